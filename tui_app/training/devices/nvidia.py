"""Queries NVIDIA's driver: which GPUs there are, their memory and who else uses them.

torch numbers the cards that CUDA_VISIBLE_DEVICES leaves, the fastest first; the driver numbers all
of them by their slot. A UUID means the same card to both, or the same part of one (MIG).
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


def programs_on(index: int) -> frozenset[int]:
    """The process ids of the programs that compute on `cuda:<index>`, this one among them. The
    driver numbers them; empty if it doesn't say.
    """
    try:
        running = pynvml.nvmlDeviceGetComputeRunningProcesses(gpu_handle(index))
    except pynvml.NVMLError:
        return frozenset()
    return frozenset(program.pid for program in running)


def gpu_handle(index: int) -> Any:
    """The driver's handle of the card that torch calls `cuda:<index>`. Raises NVMLError."""
    pynvml.nvmlInit()
    uuid = _uuid(index)
    if not uuid:
        return pynvml.nvmlDeviceGetHandleByIndex(_driver_index(index))
    try:
        return pynvml.nvmlDeviceGetHandleByUUID(uuid)
    except pynvml.NVMLError:  # torch doesn't say whether it is a card or a part of one
        return pynvml.nvmlDeviceGetHandleByUUID(uuid.replace("GPU-", "MIG-", 1))


def _uuid(index: int) -> str:
    """The card's UUID, from torch if it is loaded, else from the environment; empty if unknown."""
    if "torch" in sys.modules:  # a program that only watches a run needn't load it for this
        import torch  # puts off torch

        if torch.cuda.is_available() and index < torch.cuda.device_count():
            uuid = str(getattr(torch.cuda.get_device_properties(index), "uuid", ""))
            is_whole = uuid.startswith(("GPU-", "MIG-"))
            return uuid if is_whole or not uuid else f"GPU-{uuid}"
    visible = _visible(index)
    return visible if visible.startswith(("GPU-", "MIG-")) else ""


def _driver_index(index: int) -> int:
    """The driver's number of the card, as far as the environment tells."""
    number = whole_number(_visible(index))
    return index if number is None else number


def _visible(index: int) -> str:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    return visible[index].strip() if index < len(visible) else ""
