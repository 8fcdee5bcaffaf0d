"""Moons: 500 points of two interleaving half circles, drawn with noise by a seeded generator.

No straight line separates the two: a model without a hidden layer stays near 87 %; with one, the
boundary bends. 400 points are the train set, 100 the test set.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from datasets.dataset import Data, Dataset, DataSpec
from datasets.reading.number_encoders import NumbersEncoder
from datasets.reading.progress import NO_REPORTS, ProgressReporter
from datasets.reading.splitting import split_off_test


def read(_: Mapping[str, Path], __: ProgressReporter = NO_REPORTS) -> Data:
    """Inputs (400, 2) and (100, 2), targets (N, 1) 0 or 1, all float32."""
    from sklearn.datasets import make_moons

    points, labels = make_moons(n_samples=500, noise=0.2, random_state=0)
    targets = np.asarray(labels)[:, np.newaxis].astype(np.float32)
    train, test = split_off_test(np.asarray(points, np.float32), targets)
    return Data(
        spec=DataSpec((2,), "binary", classes=("upper moon", "lower moon")),
        train=train,
        test=test,
        encode=NumbersEncoder(("x", "y")),
        input_help="a point x,y such as 0.5,0.2",
    )


DATASET = Dataset(
    title="Two moons",
    description="500 points in the plane, two interleaving half circles; drawn, no download.",
    read=read,
)
