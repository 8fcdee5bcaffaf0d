"""Keeps the losses of steps on the device until the block is closed."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from tui_app.training.shortest_digits import shortest_digits
from tui_app.training.step_runner import StepsRun

#: Seconds of steps in a block.
_SECONDS = 0.1


@dataclass(frozen=True)
class ClosedBlock:
    """The losses of a block, the samples of each step, and the lr of its first step.

    `seconds` are those of all steps but the first, after which the clock started.
    """

    losses: tuple[float, ...]
    sizes: tuple[int, ...]
    lr: float
    seconds: float


class LossBuffer:
    """The steps since the last block was closed."""

    def __init__(self) -> None:
        self._losses: list[Tensor] = []
        self._sizes: list[int] = []
        self._lr = 0.0
        self._start = 0.0
        self._most_steps = 1  # so that the first loss is shown at once
        self._has_fixed_length = False

    def add(self, run: StepsRun, lr: float) -> None:
        """Add steps, without waiting for their losses; `lr` is that of the first."""
        if not self._losses:
            self._lr, self._start = lr, time.monotonic()
        self._losses.append(run.losses)
        self._sizes += run.sizes

    def begin(self, steps: int) -> None:
        """Begin a block that closes after exactly so many steps, whatever time they take."""
        self._most_steps, self._has_fixed_length = steps, True

    @property
    def is_empty(self) -> bool:
        """Whether the current block has no step yet."""
        return not self._sizes

    @property
    def room(self) -> int:
        """How many more steps fit into the block; at least 1."""
        return max(1, self._most_steps - len(self._sizes))

    @property
    def is_due(self) -> bool:
        """Whether to close the block: after its time, or after as many steps as fitted into that
        time before. A GPU queues steps faster than it computes them, and a pause would have to wait
        for all that are queued.
        """
        if len(self._sizes) >= self._most_steps:
            return True
        return not self._has_fixed_length and time.monotonic() - self._start >= _SECONDS

    def close(self) -> ClosedBlock | None:
        """Wait for the losses and start a new block; None if there was no step."""
        if not self._losses:
            return None
        losses = tuple(shortest_digits(torch.hstack(self._losses).float().cpu().numpy()))
        seconds = max(time.monotonic() - self._start, 1e-9)
        steps = len(self._sizes)
        closed = ClosedBlock(losses, tuple(self._sizes), self._lr, seconds)
        self._most_steps = max(1, min(10 * steps, int(_SECONDS * steps / seconds)))
        self._losses, self._sizes = [], []
        return closed
