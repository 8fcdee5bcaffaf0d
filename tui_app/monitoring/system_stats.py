"""Reads how busy the device that trains is: a GPU through NVML, or processor and memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def read_system_stats(device: str) -> str:
    """Return one line about the device: its load, its memory, and what a GPU reports besides."""
    if device.startswith("cuda"):
        index = int(device.partition(":")[2] or 0)
        line = _gpu(index)
        if line:
            return line
    return _processor()


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
