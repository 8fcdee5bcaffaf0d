"""Records steps as CUDA graphs: the stream that records, and the graphs' memory."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import torch
from torch import Tensor

from tui_app.training.recording.host_waits import counted_host_waits

#: Runs one or several steps and returns their losses, () or (steps,).
RunSteps = Callable[[], Tensor]


class Recorder(Protocol):
    """Records steps."""

    def run(self, steps: RunSteps) -> Tensor:
        """Run steps where they will be recorded."""
        ...

    def watch(self, steps: RunSteps) -> tuple[Tensor, bool]:
        """Run steps, and return whether the host waited for the device in them."""
        ...

    def record(self, steps: RunSteps) -> RunSteps:
        """Record steps without running them; the function that replays them, whose result the next
        replay overwrites. Raises torch's and the model's errors.
        """
        ...

    def discard(self) -> None:
        """Free everything recorded: nothing of it is replayed again."""
        ...

    def close(self) -> None:
        """Discard, and record nothing more."""
        ...


class CudaRecorder:
    """Records on a stream of its own, on which the warm-up steps run too, as torch requires.

    Its graphs share their memory: they are replayed one after another, and keep nothing there from
    one replay to the next but their results.
    """

    def __init__(self, device: torch.device) -> None:
        index = torch.cuda.current_device() if device.index is None else device.index
        self._device = torch.device("cuda", index)
        self._stream = _borrow_stream(self._device)
        self._graphs: list[torch.cuda.CUDAGraph] = []
        self._pool = torch.cuda.graph_pool_handle()

    def run(self, steps: RunSteps) -> Tensor:
        """Run steps on the stream that records."""
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            losses = steps()
        current.wait_stream(self._stream)
        losses.record_stream(current)
        return losses

    def watch(self, steps: RunSteps) -> tuple[Tensor, bool]:
        """Run steps, and return whether the host waited for the device in them."""
        with counted_host_waits() as waits:
            losses = self.run(steps)
        return losses, waits.count > 0

    def record(self, steps: RunSteps) -> RunSteps:
        """Record steps; after an error, the thread's stream and the random numbers are as before,
        and everything recorded earlier is discarded.
        """
        # torch's advice when a recording breaks off at once; the error itself says more.
        warnings.filterwarnings("ignore", message="The CUDA Graph is empty")
        graph, state = torch.cuda.CUDAGraph(), torch.cuda.get_rng_state(self._device)
        # Other threads may run: none of them uses the device's memory.
        recording = torch.cuda.graph(
            graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
        )
        # Without the device torch would synchronise with the first GPU, and allocate memory there.
        with torch.cuda.device(self._device):
            current = torch.cuda.current_stream()
            try:
                with recording:
                    losses = steps()
            except BaseException:
                torch.cuda.set_stream(current)  # torch doesn't, if the recording broke off
                self._clean_up(graph, state)
                raise
        _recorders.add(self)
        self._graphs.append(graph)

        def replay() -> Tensor:
            graph.replay()
            return losses

        return replay

    def discard(self) -> None:
        """Free all graphs together, since they share their memory."""
        for graph in self._graphs:
            graph.reset()
        self._graphs.clear()
        self._pool = torch.cuda.graph_pool_handle()
        _recorders.discard(self)
        _free_workspaces()

    def close(self) -> None:
        """Discard the graphs, and give the stream back."""
        with suppress(RuntimeError):  # of a device that has failed, which has ended the run
            self.discard()
        _return_stream(self._device, self._stream)

    def _clean_up(self, graph: torch.cuda.CUDAGraph, state: Tensor) -> None:
        """Undo what a recording that broke off has left behind."""
        _end_allocations(self._device, self._pool)
        graph.reset()
        self.discard()
        self._renew_generator(state)

    def _renew_generator(self, state: Tensor) -> None:
        """Replace the generator's state, which a failed recording leaves in capture mode."""
        own = torch.cuda.default_generators[self._device.index]
        fresh = torch.Generator(own.device)
        fresh.set_state(state)
        own.graphsafe_set_state(fresh.graphsafe_get_state())


#: Recorders that have graphs.
_recorders: set[CudaRecorder] = set()

#: Streams that no run records on. They are used again, since torch keeps a workspace of cuBLAS, up
#: to 32 MiB, for each stream that was ever used.
_idle_streams: dict[torch.device, list[torch.cuda.Stream]] = {}
_streams_lock = threading.Lock()


def _borrow_stream(device: torch.device) -> torch.cuda.Stream:
    with _streams_lock:
        idle = _idle_streams.get(device)
        return idle.pop() if idle else torch.cuda.Stream(device)


def _return_stream(device: torch.device, stream: torch.cuda.Stream) -> None:
    with _streams_lock:
        _idle_streams.setdefault(device, []).append(stream)


def _free_workspaces() -> None:
    """Free the memory that cuBLAS works in, unless a graph has its address."""
    clear = getattr(torch._C, "_cuda_clearCublasWorkspaces", None)
    if not _recorders and clear is not None:
        clear()


def _end_allocations(device: torch.device, pool: tuple[int, int]) -> None:
    """Tell torch's allocator that a recording is over which broke off before torch did so.

    Otherwise the allocator keeps calling the deleted graph's filter.
    """
    for name in ("_cuda_endAllocateToPool", "_cuda_endAllocateCurrentStreamToPool"):
        end = getattr(torch._C, name, None)
        if end is not None:
            with suppress(RuntimeError):  # torch has ended it
                end(device.index, pool)
                torch._C._cuda_releasePool(device.index, pool)
            return
