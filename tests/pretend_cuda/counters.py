"""Reads the counters of the pretend CUDA that this process runs over, and limits its memory.

| counter | counts |
|---|---|
| `launched`, `launched on device 1` | kernels, products, copies and fills that were done at once |
| `captured`, `captured: NAME` | those that became a node of a graph instead |
| `replayed` | nodes of launched graphs |
| `kernel NAME`, `cublasSgemm_v2`, `copy device to pinned`, ... | launches by their name |
| `cudaMalloc`, `cudaStreamSynchronize`, ... | calls that allocate, wait, record or capture |
| `prohibited: NAME` | calls that broke a rule of capture |
"""

from __future__ import annotations

import ctypes

_library = ctypes.CDLL(None)


def is_loaded() -> bool:
    """Whether this process runs over the pretend CUDA."""
    return hasattr(_library, "pretend_cuda_counts")


def counts() -> dict[str, int]:
    """All counters that aren't 0, by name."""
    read = _library.pretend_cuda_counts
    read.argtypes, read.restype = [ctypes.c_char_p, ctypes.c_size_t], ctypes.c_size_t
    size = read(None, 0)
    # Another thread may count meanwhile.
    buffer = ctypes.create_string_buffer(2 * size + 4096)
    size = read(buffer, len(buffer))
    lines = buffer.raw[:size].decode().splitlines()
    return {name: int(value) for value, _, name in (line.partition("\t") for line in lines)}


def reset() -> None:
    """Set all counters to 0."""
    _library.pretend_cuda_reset()


def limit_memory(size: int) -> None:
    """Let each card have `size` bytes from now on."""
    _library.pretend_cuda_limit(ctypes.c_size_t(size))
