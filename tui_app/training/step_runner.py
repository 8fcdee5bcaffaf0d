"""Draws batches and runs optimizer steps on them, one or several at a time, for the loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from torch import Tensor

from tui_app.training.data.device_split import Batch
from tui_app.training.state import Training
from tui_app.training.step import Step


class StepsRun(NamedTuple):
    """What `StepRunner.run` has run: `sizes` has the samples of each step; `losses`, on the
    device, is () for one step, (steps,) for several.
    """

    losses: Tensor
    sizes: tuple[int, ...]


class StepRunner(Protocol):
    """Runs the steps of a run in order. The caller counts them."""

    longest: int
    """The most steps that one call of `run` can run."""

    def begin_epoch(self, epoch: int, start: int) -> None:
        """The next step is that of batch `start` (from 0) of `epoch` (from 0)."""
        ...

    def run(self, most: int) -> StepsRun:
        """Draw one to `most` batches of the epoch and run a step on each.

        The caller has set the lr of the first; those of the others are the schedule's. `most` is at
        least 1 and at most the batches that the epoch has left. Raises OutOfMemory, and what the
        model raises.
        """
        ...

    def close(self) -> None:
        """Free what only running steps needs. Nothing is run afterwards."""
        ...


class PlainSteps:
    """Draws one batch at a time and calls `step` with it."""

    longest = 1

    def __init__(self, training: Training, step: Step) -> None:
        self._training = training
        self._step = step
        self._batches: Iterator[Batch] = iter(())

    def begin_epoch(self, epoch: int, start: int) -> None:
        """The next step is that of batch `start` of `epoch`."""
        self._batches = self._training.batches.epoch(epoch, start)

    def run(self, most: int) -> StepsRun:
        """Run one step. Raises OutOfMemory."""
        inputs, targets = next(self._batches)
        return StepsRun(self._step(inputs, targets), (len(inputs),))

    def close(self) -> None:
        """Do nothing: a plain step holds nothing between two calls."""
