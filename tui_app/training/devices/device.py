"""Chooses the device to train on, and lists those that work."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from models.fields import InvalidValue, fields_of
from tui_app.runs.errors import DeviceUnavailable
from tui_app.runs.settings.run_options import RunOptions
from tui_app.training.devices.nvidia import free_memory, gpu_names
from tui_app.training.devices.other_programs import count_others

#: The least work of a step (`step_work`) for which `auto` takes a GPU. One core computes that much,
#: forward and backward, in 0.06 ms: measured on lecture 9, with 3.7e7 multiply-adds a step in
#: 2.2 ms. A GPU takes as long for the 34 operations of that lecture's recorded step, however small
#: they are, if each takes 2 us: an estimate, which this project hasn't measured.
WORTH_A_GPU = 1e6

_TOO_SMALL = "too small a step for a GPU: {work:,.0f} multiply-adds or so, fewer than {least:,.0f}"


@dataclass(frozen=True)
class DeviceInfo:
    """A device that works; memory in bytes, 0 if unknown.

    `others` counts other programs on it; `reason` says why `auto` is no GPU, or is empty.
    """

    name: str
    title: str
    free_memory: int = 0
    total_memory: int = 0
    others: int = 0
    reason: str = ""


def choose_device(requested: str, weigh: Callable[[], float] = lambda: math.inf) -> DeviceInfo:
    """The device for `requested`: auto, cpu, cuda, cuda:N or mps.

    `auto` is the CUDA device with the most free memory, then mps, then the CPU; it is the CPU if
    the work of a step, which `weigh` returns, is too little for a GPU. The calling thread uses the
    device from now on where its code names no index. Raises InvalidValue for another word,
    DeviceUnavailable for a device that doesn't work, and what `weigh` raises.
    """
    fields_of(RunOptions)["device"].check(requested)
    candidates = [requested]
    if requested in ("auto", "cuda"):
        candidates = [f"cuda:{index}" for index in gpus_by_free_memory()]
    if requested == "auto":
        candidates += ["mps"] if torch.backends.mps.is_available() else []
        work = weigh() if candidates else math.inf
        if work < WORTH_A_GPU:
            return replace(cpu_info(), reason=_TOO_SMALL.format(work=work, least=WORTH_A_GPU))
        candidates.append("cpu")
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
        return cpu_info()
    if name == "mps":
        return DeviceInfo("mps", "Apple GPU") if torch.backends.mps.is_available() else None
    index = int(name.removeprefix("cuda:"))
    return _cuda_info(index) if index < _cuda_count() else None


def cpu_info() -> DeviceInfo:
    """The CPU."""
    return DeviceInfo("cpu", f"CPU, {torch.get_num_threads()} threads")


def listed_devices() -> list[DeviceInfo]:
    """Every device that torch lists, the CPU last. None is initialised: a program that trains on
    one GPU takes no memory of the others.
    """
    devices = []
    for index in range(_cuda_count()):
        card = torch.cuda.get_device_properties(index)
        free = free_memory(index)
        total = card.total_memory if free else 0
        devices.append(DeviceInfo(f"cuda:{index}", card.name, free, total))
    if torch.backends.mps.is_available():
        devices.append(DeviceInfo("mps", "Apple GPU"))
    return [*devices, cpu_info()]


def recorded_or_auto(recorded: str) -> str:
    """The device that run.json names, if it works here; else auto."""
    try:
        fields_of(RunOptions)["device"].check(recorded)
    except InvalidValue:
        return "auto"
    is_one = recorded in ("cpu", "mps") or recorded.startswith("cuda:")
    return recorded if is_one and query_device(recorded) is not None else "auto"


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
