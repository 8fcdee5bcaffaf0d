"""Reads how busy the devices that train are: GPUs through NVML, or processor and memory."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from tui_app.runs.rank_devices import RankDevice

#: Up to so many GPUs, each has its load and memory beside its number.
_FEW = 2


def read_system_stats(device: str) -> str:
    """Return one line about the device: its load, its memory, and what a GPU reports besides."""
    if device.startswith("cuda"):
        line = _gpu(_index(device))
        if line:
            return line
    return _processor()


def read_rank_stats(ranks: Sequence[RankDevice]) -> str:
    """Return one line about the devices of the ranks: the load of those in this machine, and how
    many are in others.
    """
    here = socket.gethostname()
    own = [rank.device for rank in ranks if rank.host == here]
    indices = sorted({_index(device) for device in own if device.startswith("cuda")})
    line = _gpus(indices) if indices else ""
    if own and not line:
        line = f"{len(own)} × {_processor()}"
    others = Counter(rank.host for rank in ranks if rank.host != here)
    return "  ".join(filter(None, [line, *(f"{n} on {host}" for host, n in others.items())]))


def _index(device: str) -> int:
    number = device.partition(":")[2]
    return int(number) if number.isdecimal() else 0


def _gpus(indices: Sequence[int]) -> str:
    """`GPU 0  98 %  12.1 GiB  GPU 1  97 %  12.0 GiB`, or for many GPUs their loads and the largest
    memory: `GPU 0-3  98 97 97 98 %  12.1 of 80 GiB`.
    """
    import pynvml

    from tui_app.training.devices.nvidia import gpu_handle  # puts off pynvml

    try:
        handles = [gpu_handle(index) for index in indices]
        memories = [pynvml.nvmlDeviceGetMemoryInfo(handle) for handle in handles]
    except pynvml.NVMLError:
        return ""
    loads = [_load(handle) for handle in handles]
    used = [int(memory.used) for memory in memories]
    if len(indices) <= _FEW:
        return "  ".join(
            f"GPU {index}  {load} %  {size / 2**30:.1f} GiB"
            for index, load, size in zip(indices, loads, used, strict=True)
        )
    fullest = memories[used.index(max(used))]
    return f"GPU {_ranges(indices)}  {' '.join(loads)} %  {_memory(fullest)}"


def _load(handle: Any) -> str:
    import pynvml

    return _reading(lambda: f"{pynvml.nvmlDeviceGetUtilizationRates(handle).gpu:2d}") or "-"


def _ranges(indices: Sequence[int]) -> str:
    """`0-3`, or `0,2,5` for numbers that don't follow each other."""
    is_row = list(indices) == list(range(indices[0], indices[-1] + 1))
    return f"{indices[0]}-{indices[-1]}" if is_row else ",".join(map(str, indices))


def _processor() -> str:
    import psutil

    memory = psutil.virtual_memory()
    cores = psutil.cpu_count() or 1
    return (
        f"CPU {psutil.cpu_percent():3.0f} % of {cores} cores  "
        f"{memory.used / 2**30:.1f} of {memory.total / 2**30:.0f} GiB"
    )


def _gpu(index: int) -> str:
    import pynvml

    from tui_app.training.devices.nvidia import gpu_handle  # puts off pynvml
    from tui_app.training.devices.other_programs import own_pid

    try:
        handle = gpu_handle(index)
    except pynvml.NVMLError:
        return ""
    parts = [
        _reading(lambda: f"{pynvml.nvmlDeviceGetUtilizationRates(handle).gpu:3d} %"),
        _reading(lambda: _memory(pynvml.nvmlDeviceGetMemoryInfo(handle))),
        _reading(lambda: f"{pynvml.nvmlDeviceGetTemperature(handle, 0)} °C"),
        _reading(lambda: f"{pynvml.nvmlDeviceGetPowerUsage(handle) / 1000:.0f} W"),
        _reading(
            lambda: _others(pynvml.nvmlDeviceGetComputeRunningProcesses(handle), own_pid(index))
        ),
    ]
    return f"GPU {index}  " + "  ".join(part for part in parts if part)


def _memory(info: Any) -> str:
    return f"{info.used / 2**30:.1f} of {info.total / 2**30:.0f} GiB"


def _others(running: list[Any], own: int | None) -> str:
    """The GPU memory that other programs use; empty if this one can't be told from them."""
    if own is None:
        return ""
    used = sum(one.usedGpuMemory or 0 for one in running if one.pid != own)
    return f"others {used / 2**30:.1f} GiB" if used else ""


def _reading(read: Callable[[], str]) -> str:
    """Return a reading, or nothing if the driver or the card doesn't give it."""
    import pynvml

    try:
        return read()
    except (pynvml.NVMLError, TypeError, ValueError):
        return ""
