"""Smooths a growing series exponentially, without bias, and each value only once."""

from __future__ import annotations

import math
from array import array

import numpy as np

#: The spans of smoothing to choose from, in values; 1 is none.
SPANS = (1, 3, 10, 30, 100, 300, 1000)


class Smoothed:
    """m[n] = w·m[n-1] + (1-w)·x[n], over 1-wⁿ which removes the bias of the first values towards 0.

    A value that isn't finite stays in its place and doesn't enter the mean.
    """

    def __init__(self, span: int) -> None:
        self.span = span
        self._weight = 1 - 1 / span
        self._mean = 0.0
        self._count = 0
        self._values: array[float] = array("d")

    def of(self, source: array[float]) -> np.ndarray:
        """All of `source`, smoothed; only the values added since the last call are computed."""
        if self.span == 1:
            return np.array(source)
        if len(source) < len(self._values):  # a resumed run goes back to a checkpoint
            self.__init__(self.span)
        if len(source) > len(self._values):
            self._extend(np.array(source[len(self._values) :]))
        return np.array(self._values)

    def _extend(self, new: np.ndarray) -> None:
        numbers = np.isfinite(new)
        values = new[numbers]
        means = _running_means(values, self._weight, self._mean)
        biased = max(
            0, min(len(values), 40 * self.span - self._count)
        )  # after that w^n is negligible
        counts = self._count + np.arange(1, biased + 1)
        means[:biased] /= 1 - self._weight**counts
        smoothed = np.full(len(new), math.nan)
        smoothed[numbers] = means
        self._values.frombytes(smoothed.tobytes())
        self._count += len(values)
        if len(means):
            self._mean = float(means[-1])
            if biased == len(values):
                self._mean *= float(1 - self._weight**self._count)


def _running_means(values: np.ndarray, weight: float, mean: float) -> np.ndarray:
    """The recursion, computed as sums of powers within blocks instead of value by value.

    The length of a block keeps its smallest power at e^-30, within double precision.
    """
    length = min(max(1, len(values)), math.ceil(30 / -math.log(weight)))
    blocks = -(-len(values) // length)
    padded = np.zeros(blocks * length)
    padded[: len(values)] = values
    powers = weight ** np.arange(1, length + 1)
    within = np.cumsum(padded.reshape(blocks, length) / powers, axis=1) * (1 - weight) * powers
    starts, whole = np.empty(blocks), float(powers[-1])
    for block, last in enumerate(within[:, -1].tolist()):
        starts[block] = mean
        mean = mean * whole + last
    return (within + starts[:, np.newaxis] * powers).reshape(-1)[: len(values)]
