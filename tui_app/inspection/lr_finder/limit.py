"""Finds the lr from which training no longer works, by short trials at constant lrs.

In a pass with a rising lr the loss blows up some steps after the lr is too large, so the pass alone
finds too large a limit. A trial needs no such time: on a quadratic, gradient descent ends above its
start exactly if lr > 2 / curvature (LeCun, Kanter and Solla, 1991).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from tui_app.inspection.lr_finder.trial import Trial

#: Runs a trial at this lr.
TryLr = Callable[[float], Trial]

#: The limit lies between two lrs of which the larger is at most this many times the smaller.
PRECISION = 1.06

#: A trial fails if its loss falls by less than this share of the fall at the lr known to train.
_LEAST = 0.1

#: The factor by which an lr is raised until its trial fails, or lowered until it doesn't.
_STRIDE = 3.0

#: How often an lr is lowered at most.
_LOWERED = 8


@dataclass(frozen=True)
class Limit:
    """Training works at `trains` and fails at `fails`, which are close together.

    At `fails` the loss rises if it `diverges`; else it hardly falls.
    """

    trains: float
    fails: float
    diverges: bool

    @property
    def lr(self) -> float:
        """The limit itself, as far as it is known."""
        return math.sqrt(self.trains * self.fails)


def first_that_trains(try_lr: TryLr, lr: float) -> Trial | None:
    """The trial at `lr`, or at the next smaller lr at which the loss falls; None if none does."""
    for _ in range(_LOWERED):
        trial = try_lr(lr)
        if trial.fell > 0:
            return trial
        lr /= _STRIDE
    return None


def find_limit(try_lr: TryLr, trained: Trial, guess: float, highest: float) -> Limit | None:
    """The limit above the lr of `trained`, a trial whose loss fell; None if there is none up to
    `highest`. The search begins at `guess`.
    """

    def fails(trial: Trial) -> bool:
        return not trial.fell > _LEAST * trained.fell

    low, high = trained.lr, try_lr(min(highest, max(guess, PRECISION * trained.lr)))
    while not fails(high):
        if high.lr >= highest:
            return None
        low, high = high.lr, try_lr(min(highest, _STRIDE * high.lr))
    while high.lr > PRECISION * low:
        middle = try_lr(math.sqrt(low * high.lr))
        low, high = (low, middle) if fails(middle) else (middle.lr, high)
    return Limit(low, high.lr, not high.fell > 0)


def trials_needed(low: float, high: float) -> int:
    """About how many trials `find_limit` runs to narrow this range down."""
    return 1 + math.ceil(math.log2(max(2.0, math.log(high / low) / math.log(PRECISION))))
