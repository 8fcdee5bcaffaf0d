"""Reads a learning rate off the losses of a pass in which the lr rises exponentially.

The range test: L. N. Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017
(arXiv:1506.01186, 2015). The valley is a variant of fastai's of that name: it lies in the middle of
the fall.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: The share of the pass over which the exponential mean averages.
_WINDOW = 0.05

#: The share of the pass, at its beginning, whose lrs are too small to train.
_BEGINNING = 0.1

#: The pass is over once the smoothed loss is this many times the lowest one, and above the first.
_RISEN = 4.0

#: The fall begins where the smoothed loss has lost this share of it, and ends where the rest is
#: this small.
_BEGUN = _LEFT = 0.1


def rising_lrs(lowest: float, highest: float, steps: int) -> list[float]:
    """Learning rates from `lowest` to `highest`, each the same factor above the last."""
    return np.geomspace(lowest, highest, steps).tolist()


class SmoothedLoss:
    """The exponential mean of the losses so far, corrected for its start at zero.

    The correction is that of Adam's means (Kingma and Ba, 2015): without it the first values would
    be near zero. `steps` is the planned length of the pass. If the batches come in the same order
    in every epoch of `cycle` steps, the mean over a whole epoch is smoothed instead: its batches
    may differ more from one another than training changes them.
    """

    def __init__(self, steps: int, cycle: int = 1) -> None:
        self._keep = 1 - 1 / max(1.0, _WINDOW * steps)
        self._recent: deque[float] = deque(maxlen=cycle)
        self._mean, self._added = 0.0, 0
        self._beginning = max(cycle, round(_BEGINNING * steps))
        self.values: list[float] = []

    def add(self, loss: float) -> None:
        """Add a step's loss."""
        self._recent.append(loss)
        of_cycle = sum(self._recent) / len(self._recent)
        if len(self.values) + 1 < (self._recent.maxlen or 1):
            self.values.append(of_cycle)
            return
        self._mean = self._keep * self._mean + (1 - self._keep) * of_cycle
        self._added += 1
        smoothed = self._mean / (1 - self._keep**self._added)
        if self._added == 1:  # the part of an epoch before it says little
            self.values = [smoothed] * len(self.values)
        self.values.append(smoothed)

    @property
    def has_diverged(self) -> bool:
        """Whether the loss is no longer finite, or has risen far above its lowest and its first."""
        last = self.values[-1]
        if not np.isfinite(last):
            return True
        if len(self.values) <= self._beginning:
            return False
        first, lowest = max(self.values[: self._beginning]), min(self.values)
        # A loss that begins at 5 and falls to almost 0 is four times its lowest by rounding errors.
        return last > max(lowest + (_RISEN - 1) * abs(lowest), first + 0.5 * abs(first))


@dataclass(frozen=True)
class Fall:
    """Where the smoothed loss falls: learning rates of the pass.

    The loss falls fastest at `steepest` (per factor of lr). `valley` is the middle of the fall.
    """

    steepest: float
    valley: float


def find_fall(lrs: Sequence[float], smoothed: Sequence[float]) -> Fall | None:
    """Find the fall; None if the smoothed loss never falls below its beginning."""
    values = np.asarray(smoothed, float)
    finite = np.isfinite(values)
    values = values[: len(values) if finite.all() else int(np.argmin(finite))]
    beginning = max(1, round(_BEGINNING * len(values)))
    if len(values) < beginning + 2:
        return None
    level, end = float(values[:beginning].mean()), int(np.argmin(values))
    drop = level - values[end]
    if end < beginning or not drop > 0:
        return None
    logs, falling = np.log(np.asarray(lrs[: end + 1], float)), values[: end + 1]
    above = int(np.flatnonzero(falling >= level - _BEGUN * drop)[-1])
    low = int(np.flatnonzero(falling <= falling[end] + _LEFT * drop)[0])
    steepest = above + int(np.argmin(np.gradient(falling, logs)[above:]))
    middle = (logs[above] + logs[max(above, low)]) / 2
    return Fall(float(np.exp(logs[steepest])), float(np.exp(middle)))
