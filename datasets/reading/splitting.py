"""A part of the rows held out, seeded and stratified."""

from __future__ import annotations

import numpy as np

from datasets.reading.data import Split

TEST_FRACTION = 0.2


def held_out(labels: np.ndarray, fraction: float = TEST_FRACTION, seed: int = 0) -> np.ndarray:
    """Which rows to test on, as (N,) bool: `fraction` of the rows of each label.

    The same seed gives the same rows on every machine.
    """
    # RandomState, since numpy promises its stream for good: a run's data must not change by update.
    random = np.random.RandomState(seed)
    mask = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        mask[rows[: round(fraction * len(rows))]] = True
    return mask


def hold_out(
    inputs: np.ndarray, targets: np.ndarray, fraction: float = TEST_FRACTION, seed: int = 0
) -> tuple[Split, Split]:
    """Split rows with classes into (train, test), as `held_out`. Both keep the rows' order."""
    test = held_out(targets.reshape(len(targets)), fraction, seed)
    return Split(inputs[~test], targets[~test]), Split(inputs[test], targets[test])
