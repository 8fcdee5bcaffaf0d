"""A part of the rows held out, seeded and stratified."""

from __future__ import annotations

import numpy as np

from datasets.dataset import Split


def hold_out(
    inputs: np.ndarray, targets: np.ndarray, fraction: float = 0.2, seed: int = 0
) -> tuple[Split, Split]:
    """Split the rows into (train, test), with `fraction` of each class in `test`.

    Both keep the order of the rows. The same seed gives the same rows on every machine.
    """
    labels = targets.reshape(len(targets))
    # RandomState, since numpy promises its stream for good: a run's data must not change by update.
    random = np.random.RandomState(seed)
    held_out = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        held_out[rows[: round(fraction * len(rows))]] = True
    return Split(inputs[~held_out], targets[~held_out]), Split(inputs[held_out], targets[held_out])
