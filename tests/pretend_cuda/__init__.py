"""Runs torch's CUDA code on a machine without a GPU, over a pretend CUDA.

    python -m tests.pretend_cuda pytest -n 0 -m gpu
    python -m tests.pretend_cuda --devices 2 --memory 64M python my_program.py

`library/` is loaded before torch (LD_PRELOAD) and takes the place of CUDA's runtime, its driver and
cuBLAS. Torch's CUDA build runs its real code over it: the allocator, autograd's threads for a
device, CUDAGraph, generators, the warnings about synchronisation. Memory of a card is memory of the
host, copies are made at once, and kernels do nothing and are counted (`counters.py`).

What passes here keeps CUDA's rules as the manual has them: which calls a capture forbids or is
invalidated by, how streams and events join a capture, on which card a stream may be used, how much
memory there is. Launches, graph nodes, copies, waits and allocations have their real numbers.

It proves nothing about what a GPU computes: results are whatever the memory held, and a test that
needs them carries the marker `gpu_numbers` and is left out here. It has no cuDNN (torch takes
kernels of its own), no NCCL, no NVML, no profiler, and no time: nothing runs beside the host. A
function of CUDA that isn't imitated reaches the real library, which finds no driver and fails.

| file | does |
|---|---|
| `library/` | the library, in C++ |
| `build.py` | finds compiler and headers, builds the library, once for each version of them |
| `child.py` | the environment of a process that runs over it |
| `startup/` | what Python does first in such a process: it installs `seams.py` |
| `seams.py` | replaces the functions of tutorch that judge numbers |
| `plugin.py` | leaves out tests that need numbers |
| `counters.py` | in such a process: reads what was counted, takes memory away |
"""
