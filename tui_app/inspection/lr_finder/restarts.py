"""Trains from the same start again and again, each time with other learning rates."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import chain, count

import numpy as np
import torch
from torch import Tensor

from models.fields import InvalidValue
from tui_app.inspection.lr_finder.trial import Trial
from tui_app.training.best_models import is_finite
from tui_app.training.data.device_split import Batch
from tui_app.training.divergence import divergence_limit
from tui_app.training.optimizers import make_optimizer, parameter_groups, set_lrs
from tui_app.training.outcome import is_out_of_memory
from tui_app.training.seeding import restore_rng_state, rng_state
from tui_app.training.state import Training
from tui_app.training.step import make_step

#: An lr so small that a float32 weight doesn't change.
_STILL = 1e-12

#: The share of a trial, at its end, whose mean loss is the trial's result.
_END = 0.25


class Restarts:
    """Runs a prepared training's own steps on its own batches, always from its first weights.

    Weights, buffers and random numbers begin as they were prepared, and each training gets an
    optimizer of its own. Schedules are ignored. Raises InvalidValue for an optimizer without an lr.
    """

    def __init__(self, training: Training) -> None:
        self._training = training
        model = training.model
        if any("lr" not in group for group in training.optimizer.param_groups):
            name = training.settings.lecture.name
            raise InvalidValue(f"the optimizer of {name} has no lr: there is none to find")
        tensors: Iterable[Tensor] = chain(model.parameters(), model.buffers())
        self._first = [(tensor, tensor.detach().clone()) for tensor in tensors]
        self._device = torch.device(training.device.name)
        self._rng = rng_state(self._device)
        self._untrained: list[float] = []

    def rising(self, lrs: Iterable[float]) -> Iterator[float]:
        """Train from the start, a step with each lr; yield each step's loss, before its update.

        The lrs of all groups of weights rise in the same proportion. It ends after a loss that
        isn't finite. Raises OutOfMemory, and what the model raises.
        """
        lr = self._training.hyperparameters.lr
        self._restart(lr)
        optimizer = self._training.optimizer
        of_groups = [float(group["lr"]) / lr for group in optimizer.param_groups]
        steps = self._steps()
        for each in lrs:
            set_lrs(optimizer, [own * each for own in of_groups])
            loss = next(steps, None)
            if loss is None:
                return
            yield loss

    def trial(self, lr: float, steps: int, advance: Iterator[None]) -> Trial:
        """Train so many steps as a run with `--lr` would; `advance` is advanced before each."""
        if not self._untrained:
            self._untrained = self._constant(_STILL, steps, advance, math.inf)
        limit = divergence_limit(max(map(abs, self._untrained)))
        losses = self._constant(lr, steps, advance, limit)
        has_diverged = len(losses) < steps or not abs(losses[-1]) <= limit
        loss = math.inf if has_diverged else _mean_at_end(losses)
        return Trial(lr, loss, _mean_at_end(self._untrained), steps)

    def _constant(
        self, lr: float, steps: int, advance: Iterator[None], limit: float
    ) -> list[float]:
        """The losses of the first steps at this lr, up to one above the limit."""
        self._restart(lr)
        losses: list[float] = []
        with closing(self._steps()) as running:
            for _, loss in zip(range(steps), running, strict=False):
                losses.append(loss)
                next(advance)
                if not abs(loss) <= limit:
                    break
        return losses

    def _steps(self) -> Generator[float, None, None]:
        """Run step after step and yield its loss; end after one that isn't finite."""
        training = self._training
        step, number = make_step(training), 0
        with closing(self._batches()) as batches:
            for inputs, targets in batches:
                try:
                    loss = step(inputs, targets).item()
                except (RuntimeError, ValueError) as error:
                    # Some models and losses refuse numbers that aren't finite.
                    if not number or is_out_of_memory(error) or is_finite(training.model):
                        raise
                    loss = math.nan
                number += 1
                yield loss
                if not math.isfinite(loss):
                    return

    def _batches(self) -> Generator[Batch, None, None]:
        """Batches of epoch after epoch, without an end."""
        try:
            for epoch in count():
                yield from self._training.batches.epoch(epoch, 0)
        finally:
            self._training.batches.close()

    def _restart(self, lr: float) -> None:
        training = self._training
        with torch.no_grad():
            for tensor, first in self._first:
                tensor.copy_(first)
        training.model.train()
        restore_rng_state(self._rng, self._device)
        lecture, hp = training.settings.lecture, replace(training.hyperparameters, lr=lr)
        groups = parameter_groups(lecture, training.model, hp)
        training.optimizer = make_optimizer(lecture, training.model, hp, groups)


def _mean_at_end(losses: list[float]) -> float:
    return float(np.mean(losses[-max(1, round(_END * len(losses))) :]))
