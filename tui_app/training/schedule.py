"""Computes the learning rate from the step, so that a run resumes without a scheduler's state.

Each schedule is a factor for the run's lr, from the share of the schedule that is done (0 to 1).
Linear: to zero, without a warm-up. Cosine: Loshchilov and Hutter, SGDR, 2017, without restarts.
One cycle: Smith and Topin, Super-Convergence, 2018, with the shape of
torch.optim.lr_scheduler.OneCycleLR's defaults (30 % of the steps up from 1/25 of the lr, then down
to 1/250 000 of it, both along half a cosine).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from models.hyperparameters import LrSchedule
from models.lecture import Hyperparameters, ParameterGroup

_WARM_UP = 0.3
_FIRST_FACTOR = 1 / 25
_LAST_FACTOR = _FIRST_FACTOR / 1e4

#: The number of steps before a schedule starts, and the step at which it ends.
Span = tuple[int, int]


def spans_of(values: Any) -> tuple[Span, ...]:
    """The recorded spans of a schedule: a list, or the `first_step` and `last_step` of the last.

    Raises TypeError, ValueError or KeyError.
    """
    try:
        return _spans_of(values)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def _spans_of(values: Any) -> tuple[Span, ...]:
    if isinstance(values, Mapping):
        first, last = int(values["first_step"]), int(values["last_step"])
        values = [(0, first), (first, last)] if first else [(0, last)]
    spans = tuple((int(first), int(last)) for first, last in values)
    if not spans or spans[0][0] != 0:
        raise ValueError(f"{values!r} is no schedule: one starts before the first step")
    return spans


@dataclass(frozen=True)
class Schedule:
    """The lr over a run; one that was extended has several `spans` one after another.

    The lecture's `groups` of weights, if it has any, may have schedules of their own.
    """

    hyperparameters: Hyperparameters
    steps_per_epoch: int
    spans: tuple[Span, ...]
    groups: tuple[ParameterGroup, ...] = ()

    @property
    def last_step(self) -> int:
        """The step at which it ends."""
        return self.spans[-1][1]

    def extended(self, step: int, last_step: int) -> Schedule:
        """The schedule until `last_step`; one of a fixed length gets a new one after `step`."""
        if self.is_bounded:
            return replace(self, spans=(*self.spans, (step, last_step)))
        return replace(self, spans=((0, last_step),))

    @property
    def is_bounded(self) -> bool:
        """Whether the schedule has a fixed length, and can't be continued past its end."""
        return bool(self.bounded_kinds)

    @property
    def bounded_kinds(self) -> list[str]:
        """The kinds of a fixed length among the run's schedule and those of the groups."""
        return sorted(self._kinds & {"linear", "cosine", "one-cycle"})

    @property
    def is_constant(self) -> bool:
        """Whether the schedule never changes the lr."""
        return self._kinds == {"none"}

    @property
    def _kinds(self) -> set[str]:
        own = self.hyperparameters.lr_schedule
        return {own, *(group.lr_schedule or own for group in self.groups)}

    def factors(self, step: int) -> tuple[float, ...]:
        """The factor for the lr of each group of weights in the step after `step` steps; a single
        one for all weights if the lecture has no groups.
        """
        if not self.groups:
            return (self.factor(step),)
        return tuple(
            group.lr_factor * self.factor(step, group.lr_schedule, group.share)
            for group in self.groups
        )

    def factor(self, step: int, kind: LrSchedule | None = None, length: float = 1.0) -> float:
        """The factor for the run's lr in the step after `step` steps.

        Of another `kind` of schedule, or one that ends after a share `length` of the run, if given.
        """
        hp = self.hyperparameters
        kind = kind or hp.lr_schedule
        if kind == "none":
            return 1.0
        first, last = max(span for span in self.spans if span[0] <= step)
        share = min(1.0, (step - first) / max(1, (last - first) * length))
        if kind == "step":
            return hp.lr_gamma ** (step // self.steps_per_epoch // hp.lr_step_epochs)
        if kind == "milestones":
            epoch = step // self.steps_per_epoch
            return hp.lr_gamma ** sum(epoch >= milestone for milestone in hp.lr_milestones)
        if kind == "linear":
            return 1.0 - share
        if kind == "cosine":
            return _half_cosine(1.0, 0.0, share)
        if kind == "one-cycle":
            if share < _WARM_UP:
                return _half_cosine(_FIRST_FACTOR, 1.0, share / _WARM_UP)
            return _half_cosine(1.0, _LAST_FACTOR, (share - _WARM_UP) / (1 - _WARM_UP))
        return 1.0


def _half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
