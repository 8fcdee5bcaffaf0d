"""How many CPU threads a run trains with."""

from __future__ import annotations

import os
from typing import Literal

import torch

#: Multiply-adds of a layer, forward, that are worth a thread of their own. Measured on two cores:
#: lecture 11's networks have a third of that to share between two in a batch of 64, and are fastest
#: on one; its ResNet in batches of 256, or DenseNet in those of 64, take 0.77 of the time on two.
_WORTH_A_THREAD = 3e7


def choose_threads(wanted: int | Literal["auto"], work_of_a_layer: float) -> tuple[int, str]:
    """The number of threads, and why. `work_of_a_layer` is in multiply-adds for a batch, forward.

    Threads meet after each layer, and wait there for the slowest, so that any other busy program
    slows small layers many times over: `auto` shares out large ones alone. It looks at the model
    and the cores and never at the load of the moment: the same command gives the same bits.
    """
    if wanted != "auto":
        return wanted, "as asked"
    shares = int(work_of_a_layer / _WORTH_A_THREAD)
    if shares <= 1:
        return 1, "layers are small: more threads would wait for each other"
    return min(shares, usable_cores()), "layers are large enough to share"


def usable_cores() -> int:
    """The cores that this program may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def use_threads(count: int) -> None:
    """Let torch's operators use `count` threads from now on."""
    torch.set_num_threads(count)
