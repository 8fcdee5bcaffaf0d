"""Chooses how many CPU threads a run trains with."""

from __future__ import annotations

import os
from typing import Literal

import torch

#: Forward multiply-adds of a layer that are worth a thread of their own. Measured on two cores:
#: lecture 11's networks have a third of that to share between two threads in a batch of 64, and are
#: fastest on one; its ResNet in batches of 256, and DenseNet in batches of 64, take 0.77 of the
#: time on two.
_WORTH_A_THREAD = 3e7


def choose_threads(
    requested: int | Literal["auto"], multiply_adds_per_layer: float
) -> tuple[int, str]:
    """The number of threads, and why. The multiply-adds are those of a batch's forward pass.

    Threads wait for the slowest of them after each layer, so any other busy program slows down
    small layers many times over: `auto` splits large ones only. It depends on the model and the
    number of cores, never on the current load: the same command gives the same bits.
    """
    if requested != "auto":
        return requested, "as requested"
    shares = int(multiply_adds_per_layer / _WORTH_A_THREAD)
    if shares <= 1:
        return 1, "layers are small: more threads would wait for each other"
    return min(shares, usable_cores()), "layers are large enough to share"


def usable_cores() -> int:
    """How many cores this program may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def use_threads(count: int) -> None:
    """Let torch's operators use `count` threads."""
    torch.set_num_threads(count)
