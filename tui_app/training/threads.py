"""How many CPU threads a run trains with."""

from __future__ import annotations

import os
from typing import Literal

import torch

#: Multiply-adds of a step's forward pass from which a second thread earns its waiting at barriers.
_WORTH_SHARING = 2e9


def choose_threads(wanted: int | Literal["auto"], work_per_step: float) -> tuple[int, str]:
    """The number of threads, and why. `work_per_step` is in multiply-adds, forward only.

    With as many threads as cores each parallel region waits for the slowest, so that any other
    busy program slows a small model many times over: `auto` shares out large steps alone.
    """
    if wanted != "auto":
        return wanted, "as asked"
    cores = usable_cores()
    if work_per_step < _WORTH_SHARING or cores == 1:
        return 1, "steps are short: more threads would wait for each other"
    return max(1, cores // 2), "steps are long: half of the cores share them"


def usable_cores() -> int:
    """The cores that this program may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def use_threads(count: int) -> None:
    """Let torch's operators use `count` threads from now on."""
    torch.set_num_threads(count)
