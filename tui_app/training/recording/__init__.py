"""Records training steps as CUDA graphs, so that one launch replaces hundreds.

A step of a small net is some dozens of short kernels, and launching each of them from Python takes
longer than the GPU needs to compute it. A CUDA graph is the list of all these launches with their
addresses in memory: CUDA records it once, while the step runs without computing anything, and then
replays the whole list with a single call.

- `recorded_steps.py`: the order of events. Warm-up steps, recording, replaying, falling back.
- `graph_inputs.py`: how a replay, which always reads the same memory, gets another batch each time.
- `recorder.py`: CUDA's part: the stream that records, the graphs and their memory.
- `host_waits.py`, `kept_state.py`: find what a replay, which runs no Python, would leave out.
- `choice.py`: records a run if that is possible, and says why it isn't.

See "CUDA Graphs" in the notes on CUDA semantics of torch's manual.
"""
