"""Turns on TensorFloat-32 for the run or probe that asks for it, and off again at its end."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True, eq=False)
class _Use:
    """What a run, or a probe of another model, computes its products with."""

    has_tf32: bool


@dataclass
class _Tf32:
    """torch's setting, one for the process: for what it is set, and how it was before."""

    use: _Use | None = None
    before: bool = False

    def set_for(self, use: _Use | None) -> None:
        """Turn it on if `use` has TF32, else back to what it was before."""
        is_on = self.use is not None and self.use.has_tf32
        turn_on = use is not None and use.has_tf32
        if turn_on and not is_on:
            self.before = _is_allowed()
            _allow(allowed=True)
        elif is_on and not turn_on:
            _allow(allowed=self.before)
        self.use = use


_tf32 = _Tf32()


@contextmanager
def products_in(precision: str, device: str | torch.device) -> Iterator[None]:
    """Multiply float32 matrices on `device` as the run's `precision` says, forward and backward.

    Other precisions than tf32 leave torch's setting as it is: by default, or as the user's file
    sets it. bf16 is autocast's (`Training.autocast`). One run at a time; if one is stuck and never
    leaves this context, the next one still has its own precision.
    """
    with _set_until_left(precision, device, None):
        yield


@contextmanager
def products_meanwhile_in(precision: str, device: str | torch.device) -> Iterator[None]:
    """The same for a probe of a model: a run that it interrupts then goes on as before."""
    with _set_until_left(precision, device, _tf32.use):
        yield


@contextmanager
def _set_until_left(
    precision: str, device: str | torch.device, afterwards: _Use | None
) -> Iterator[None]:
    mine = _Use(precision == "tf32" and has_tf32(torch.device(device)))
    _tf32.set_for(mine)
    try:
        yield
    finally:
        if _tf32.use is mine:  # else another run has taken the setting over
            _tf32.set_for(afterwards)


def has_tf32(device: torch.device) -> bool:
    """Whether the device multiplies in TensorFloat-32: NVIDIA's cards from Ampere (8.0) on."""
    if device.type != "cuda" or torch.version.hip is not None:
        return False
    return torch.cuda.get_device_capability(device) >= (8, 0)


def precision_note(precision: str, device: str) -> str:
    """A note if the precision has no effect on the device, else empty."""
    if precision != "tf32" or has_tf32(torch.device(device)):
        return ""
    return (
        f"precision tf32 has no effect on {device}: TensorFloat-32 is for NVIDIA's GPUs from "
        "Ampere on. Products are computed as with fp32"
    )


def _allow(*, allowed: bool) -> None:
    # Since 2.9 torch has `fp32_precision` besides. Set alone, it makes whatever reads the older
    # setting raise, torch.compile among it; the older one sets both. 2.9 warns of its use.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.backends.cuda.matmul.allow_tf32 = allowed


def _is_allowed() -> bool:
    matmul: Any = torch.backends.cuda.matmul
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return matmul.allow_tf32
        except RuntimeError:  # the user's file has set `fp32_precision` alone
            return matmul.fp32_precision == "tf32"
