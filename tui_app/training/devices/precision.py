"""Turns on TensorFloat-32 for the run that asks for it, and off again when the run ends."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch


@dataclass
class _Tf32:
    """torch's setting, one for the process: the run that it is on for, and how it was before."""

    owner: object | None = None
    before: bool = False

    def hand_to(self, owner: object | None) -> None:
        """Turn it on for `owner`, or off if that is None."""
        if owner is not None and self.owner is None:
            self.before = _is_allowed()
            _allow(allowed=True)
        elif owner is None and self.owner is not None:
            _allow(allowed=self.before)
        self.owner = owner


_tf32 = _Tf32()


@contextmanager
def products_in(precision: str, device: str | torch.device) -> Iterator[None]:
    """Multiply float32 matrices on `device` as the run's `precision` says, forward and backward.

    Other precisions than tf32 leave torch's setting as it is: by default, or as the user's file
    sets it. bf16 is autocast's (`Training.autocast`). One run at a time; if one is stuck and never
    leaves this context, the next one still has its own precision.
    """
    mine = object() if precision == "tf32" and has_tf32(torch.device(device)) else None
    _tf32.hand_to(mine)
    try:
        yield
    finally:
        if _tf32.owner is mine:
            _tf32.hand_to(None)


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
