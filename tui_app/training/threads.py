"""How many CPU threads a run trains with."""

from __future__ import annotations

import os
from typing import Literal

import torch

#: Multiply-adds of a step's forward pass that are worth a thread of their own. Lectures 9 and 10
#: have half of it and are fastest alone; lecture 11's ResNet has twice as much, and shares well.
_WORTH_A_THREAD = 6e7


def choose_threads(wanted: int | Literal["auto"], work_per_step: float) -> tuple[int, str]:
    """The number of threads, and why. `work_per_step` is in multiply-adds, forward only.

    Each parallel region waits for its slowest thread, so that any other busy program slows a small
    model many times over: `auto` shares out large steps alone. It looks at the model and the cores
    and never at the load of the moment, so that the same command gives the same bits.
    """
    if wanted != "auto":
        return wanted, "as asked"
    shares = int(work_per_step / _WORTH_A_THREAD)
    if shares <= 1:
        return 1, "steps are short: more threads would wait for each other"
    return min(shares, usable_cores()), "steps are long enough to share"


def usable_cores() -> int:
    """The cores that this program may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def use_threads(count: int) -> None:
    """Let torch's operators use `count` threads from now on."""
    torch.set_num_threads(count)
