"""Chooses the device to train on, and lists those that work."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from models.fields import fields_of
from tui_app.runs.errors import DeviceUnavailable
from tui_app.runs.settings.run_options import RunOptions
from tui_app.training.devices.nvidia import free_memory, gpu_names
from tui_app.training.devices.other_programs import count_others


@dataclass(frozen=True)
class DeviceInfo:
    """A device that works; memory in bytes, 0 if unknown. `others` counts other programs on it."""

    name: str
    title: str
    free_memory: int = 0
    total_memory: int = 0
    others: int = 0


def choose_device(requested: str) -> DeviceInfo:
    """The device for `requested`: auto, cpu, cuda, cuda:N or mps.

    `auto` is the CUDA device with the most free memory, then mps, then the CPU. The calling thread
    uses it from now on where its code names no index. Raises InvalidValue for another word,
    DeviceUnavailable for a device that doesn't work.
    """
    fields_of(RunOptions)["device"].check(requested)
    candidates = [requested]
    if requested in ("auto", "cuda"):
        candidates = [f"cuda:{index}" for index in gpus_by_free_memory()]
    if requested == "auto":
        candidates += ["mps", "cpu"]
    for name in candidates:
        device = query_device(name)
        if device is not None:
            make_current(device.name)
            return device
    names = ", ".join(device.name for device in available_devices())
    raise DeviceUnavailable(
        f"the device {requested} doesn't answer; available: {names}{_why_no_cuda(requested)}"
    )


def available_devices() -> list[DeviceInfo]:
    """Every device on which a tensor can be allocated, the CPU last."""
    names = [*(f"cuda:{index}" for index in range(_cuda_count())), "mps", "cpu"]
    return [device for name in names if (device := query_device(name)) is not None]


def query_device(name: str) -> DeviceInfo | None:
    """The device `name`, if it works. No other is initialised, which would take its memory."""
    if name == "cpu":
        return DeviceInfo("cpu", f"CPU, {torch.get_num_threads()} threads")
    if name == "mps":
        return DeviceInfo("mps", "Apple GPU") if torch.backends.mps.is_available() else None
    index = int(name.removeprefix("cuda:"))
    return _cuda_info(index) if index < _cuda_count() else None


def gpus_by_free_memory() -> list[int]:
    """The indices of CUDA devices, by free memory, most first. None of them is initialised."""
    free = {index: free_memory(index) for index in range(_cuda_count())}
    return sorted(free, key=lambda index: -free[index])


def make_current(device: str) -> None:
    """Let a device without an index, as in `.cuda()`, mean this GPU in the calling thread."""
    if device.startswith("cuda"):
        torch.cuda.set_device(device)


def release_gpu_memory() -> None:
    """Free the GPU memory of a run that has ended: the app may stay open for hours."""
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def gpu_without_cuda() -> bool:
    """Whether there is an NVIDIA GPU that this build of torch can't use."""
    return not torch.cuda.is_available() and bool(gpu_names())


def _cuda_count() -> int:
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _cuda_info(index: int) -> DeviceInfo | None:
    name = f"cuda:{index}"
    try:
        # A user's file may have used the card before.
        was_used = torch.cuda.is_initialized() and torch.cuda.memory_reserved(index) > 0
        others = count_others(index, lambda: torch.zeros(1, device=name), was_used=was_used)
        free, total = torch.cuda.mem_get_info(index)
        properties = torch.cuda.get_device_properties(index)
    except RuntimeError:  # it is broken, in exclusive use, or full
        return None
    return DeviceInfo(name, properties.name, free, total, others)


def _why_no_cuda(requested: str) -> str:
    if not requested.startswith("cuda"):
        return ""
    if torch.version.cuda is None and torch.version.hip is None:
        return ". This build of torch is for the CPU only: install one with CUDA to use a GPU"
    return (
        ""
        if torch.cuda.is_available()
        else ". CUDA finds no usable GPU: `tutorch doctor` says more"
    )
