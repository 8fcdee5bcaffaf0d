"""The device to train on: which ones answer, and which one is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch

from models.fields import InvalidValue
from tui_app.training.errors import DeviceUnavailable


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
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", wanted):
        raise InvalidValue(f"--device takes auto, cpu, cuda, cuda:N or mps, not {wanted[:60]!r}")
    answering = available_devices()
    if wanted in ("auto", "cuda"):
        cuda = [device for device in answering if device.name.startswith("cuda")]
        if cuda:
            return max(cuda, key=lambda device: device.free_memory)
    if wanted == "auto":
        return next((d for d in answering if d.name == "mps"), answering[-1])
    for device in answering:
        if device.name == wanted:
            return device
    names = ", ".join(device.name for device in answering)
    raise DeviceUnavailable(
        f"the device {wanted} doesn't answer; here are: {names}{_why_no_cuda(wanted)}"
    )


def available_devices() -> list[DeviceInfo]:
    """Every device that takes a probe tensor, the CPU last."""
    devices = [info for index in range(_cuda_count()) if (info := _cuda_info(index)) is not None]
    if torch.backends.mps.is_available():
        devices.append(DeviceInfo("mps", "Apple GPU"))
    return [*devices, DeviceInfo("cpu", f"CPU, {torch.get_num_threads()} threads")]


def gpu_without_cuda() -> bool:
    """Whether there is an NVIDIA GPU that this build of torch can't use."""
    return not torch.cuda.is_available() and bool(nvidia_cards())


def nvidia_cards() -> list[str]:
    """The names of the NVIDIA cards that the driver reports, whatever torch can do with them."""
    import pynvml

    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        return [str(pynvml.nvmlDeviceGetName(handle)) for handle in handles]
    except pynvml.NVMLError:
        return []


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
    return DeviceInfo(
        name, properties.name, free, total, _other_users(str(getattr(properties, "uuid", "")))
    )


def _other_users(uuid: str) -> int:
    """How many other compute programs the driver sees on the card; 0 where it can't be asked."""
    import os

    import pynvml

    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(
            uuid if uuid.startswith("GPU-") else f"GPU-{uuid}"
        )
        running = pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
    except pynvml.NVMLError:
        return 0
    return len({program.pid for program in running} - {os.getpid()})


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
