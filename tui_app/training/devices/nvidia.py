"""Queries NVIDIA's driver: which GPUs there are, their memory and who else uses them.

torch numbers the cards that CUDA_VISIBLE_DEVICES leaves, the fastest first; the driver numbers all
of them by their slot. A UUID means the same card to both.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import pynvml

from datasets.reading.cell_numbers import whole_number


def gpu_names() -> list[str]:
    """The names of all NVIDIA GPUs that the driver reports, usable by torch or not."""
    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        return [str(pynvml.nvmlDeviceGetName(handle)) for handle in handles]
    except pynvml.NVMLError:
        return []


def free_memory(index: int) -> int:
    """Free bytes on `cuda:<index>`; 0 if the driver doesn't say."""
    try:
        return int(pynvml.nvmlDeviceGetMemoryInfo(gpu_handle(index)).free)
    except pynvml.NVMLError:
        return 0


def other_programs(index: int) -> int:
    """How many other programs compute on `cuda:<index>`; 0 if the driver doesn't say."""
    try:
        running = pynvml.nvmlDeviceGetComputeRunningProcesses(gpu_handle(index))
    except pynvml.NVMLError:
        return 0
    return len({program.pid for program in running} - {os.getpid()})


def gpu_handle(index: int) -> Any:
    """The driver's handle of the card that torch calls `cuda:<index>`. Raises NVMLError."""
    pynvml.nvmlInit()
    uuid = _uuid(index)
    if uuid:
        return pynvml.nvmlDeviceGetHandleByUUID(uuid)
    return pynvml.nvmlDeviceGetHandleByIndex(_driver_index(index))


def _uuid(index: int) -> str:
    """The card's UUID, from torch if it is loaded, else from the environment; empty if unknown."""
    if "torch" in sys.modules:  # a program that only watches a run needn't load it for this
        import torch  # puts off torch

        if torch.cuda.is_available() and index < torch.cuda.device_count():
            uuid = str(getattr(torch.cuda.get_device_properties(index), "uuid", ""))
            return f"GPU-{uuid.removeprefix('GPU-')}" if uuid else ""
    visible = _visible(index)
    return visible if visible.startswith("GPU-") else ""


def _driver_index(index: int) -> int:
    """The driver's number of the card, as far as the environment tells."""
    number = whole_number(_visible(index))
    return index if number is None else number


def _visible(index: int) -> str:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    return visible[index].strip() if index < len(visible) else ""
