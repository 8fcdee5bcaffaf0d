"""Holds out rows for testing or validation; a seed picks them, stratified by class.

There are two ways to pick rows. Neither may change: a run that resumes or is evaluated has to find
the rows that it was trained on.
"""

from __future__ import annotations

import numpy as np

from datasets.reading.data import Data, Split

TEST_FRACTION = 0.2


def held_out_rows(labels: np.ndarray, fraction: float = TEST_FRACTION, seed: int = 0) -> np.ndarray:
    """Which rows to test on, as (N,) bool: `fraction` of the rows of each label.

    The same seed picks the same rows on every machine.
    """
    # RandomState, because numpy keeps its stream: an update must not change a run's data.
    random = np.random.RandomState(seed)
    mask = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        mask[rows[: round(fraction * len(rows))]] = True
    return mask


def split_off_test(inputs: np.ndarray, targets: np.ndarray) -> tuple[Split, Split]:
    """Split rows with classes into (train, test). Both keep the order of the rows."""
    test = held_out_rows(targets.reshape(len(targets)))
    return Split(inputs[~test], targets[~test]), Split(inputs[test], targets[test])


def split_off_validation(data: Data, fraction: float, seed: int) -> tuple[Split, Split | None]:
    """Split the train set into (train, validation); no validation set with a `fraction` of 0.

    Both keep the order of the rows. Raises ValueError when there are too few rows, or too few of a
    class.
    """
    if fraction == 0:
        return data.train, None
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(data.train))
    is_regression = data.spec.task == "regression"
    classes = None if is_regression else data.train.targets.reshape(len(rows), -1)[:, 0]
    try:
        train, validation = train_test_split(
            rows, test_size=fraction, random_state=seed % 2**32, stratify=classes
        )
    except ValueError as error:
        raise ValueError(f"{fraction:g} doesn't suit {len(rows)} samples: {error}") from error
    return data.train.subset(np.sort(train)), data.train.subset(np.sort(validation))
