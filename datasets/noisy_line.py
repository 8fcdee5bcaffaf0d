"""Points near the line y = 2x: 60 to train on and 20 to test on, drawn by a seeded generator.

x is uniform between 0 and 4, and the noise on y is normal with a standard deviation of 0.5. So no
line has a loss of 0: the lowest mean squared error on new points is about 0.25, the variance of the
noise. A lower loss on the train set was learned from the noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from datasets.dataset import Data, Dataset, DataSpec, Split
from datasets.reading.number_encoders import NumbersEncoder
from datasets.reading.progress import NO_REPORTS, ProgressReporter

TRAIN, TEST = 60, 20
NOISE = 0.5


def read(_: Mapping[str, Path], __: ProgressReporter = NO_REPORTS) -> Data:
    """Inputs (60, 1) and (20, 1), targets likewise, all float32."""
    random = np.random.RandomState(0)
    x = random.uniform(0, 4, (TRAIN + TEST, 1)).astype(np.float32)
    y = (2 * x + NOISE * random.randn(TRAIN + TEST, 1)).astype(np.float32)
    return Data(
        spec=DataSpec(input_shape=(1,), task="regression"),
        train=Split(x[:TRAIN], y[:TRAIN]),
        test=Split(x[TRAIN:], y[TRAIN:]),
        encode=NumbersEncoder(("x",)),
        input_help="x, such as 4",
    )


DATASET = Dataset(
    title="A noisy line",
    description="60 points to train on and 20 to test on, near y = 2x.",
    read=read,
)
