"""The device to train on: which ones answer, and which one is meant."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from models.fields import fields_of
from tui_app.runs.errors import DeviceUnavailable
from tui_app.runs.run_options import RunOptions
from tui_app.training.nvidia import free_memory, gpu_names, other_programs


@dataclass(frozen=True)
class DeviceInfo:
    """A device that answers. Memory in bytes, 0 where it isn't known; `others` use the card too."""

    name: str
    title: str
    free_memory: int = 0
    total_memory: int = 0
    others: int = 0


def choose_device(wanted: str) -> DeviceInfo:
    """The device that `wanted` (auto, cpu, cuda, cuda:N, mps) means.

    `auto` is the CUDA device with the most free memory, then mps, then the CPU. Raises
    InvalidValue for a word that names no device, DeviceUnavailable for one that doesn't answer.
    """
    fields_of(RunOptions)["device"].check(wanted)
    candidates = [wanted]
    if wanted in ("auto", "cuda"):
        candidates = [f"cuda:{index}" for index in cards_by_free_memory()]
    if wanted == "auto":
        candidates += ["mps", "cpu"]
    for name in candidates:
        device = probe(name)
        if device is not None:
            return device
    names = ", ".join(device.name for device in available_devices())
    raise DeviceUnavailable(
        f"the device {wanted} doesn't answer; here are: {names}{_why_no_cuda(wanted)}"
    )


def available_devices() -> list[DeviceInfo]:
    """Every device that takes a probe tensor, the CPU last."""
    names = [*(f"cuda:{index}" for index in range(_cuda_count())), "mps", "cpu"]
    return [device for name in names if (device := probe(name)) is not None]


def probe(name: str) -> DeviceInfo | None:
    """The device `name`, if it answers. Touches no other: each that is touched loses memory."""
    if name == "cpu":
        return DeviceInfo("cpu", f"CPU, {torch.get_num_threads()} threads")
    if name == "mps":
        return DeviceInfo("mps", "Apple GPU") if torch.backends.mps.is_available() else None
    index = int(name.removeprefix("cuda:"))
    return _cuda_info(index) if index < _cuda_count() else None


def cards_by_free_memory() -> list[int]:
    """The CUDA devices' numbers, the one with the most free memory first, none of them touched."""
    free = {index: free_memory(index) for index in range(_cuda_count())}
    return sorted(free, key=lambda index: -free[index])


def release_gpu_memory() -> None:
    """Let other programs have what a run that is over had on a GPU: the app may stay for hours."""
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
        torch.zeros(1, device=name)
        free, total = torch.cuda.mem_get_info(index)
        properties = torch.cuda.get_device_properties(index)
    except RuntimeError:  # a card that is broken, in exclusive use, or full
        return None
    return DeviceInfo(name, properties.name, free, total, other_programs(index))


def _why_no_cuda(wanted: str) -> str:
    if not wanted.startswith("cuda"):
        return ""
    if torch.version.cuda is None and torch.version.hip is None:
        return ". This build of torch is for the CPU alone: install one with CUDA to use a GPU"
    return (
        ""
        if torch.cuda.is_available()
        else ". CUDA finds no usable GPU: `tutorch doctor` says more"
    )
