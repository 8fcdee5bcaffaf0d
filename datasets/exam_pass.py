"""Hours studied and whether the exam was passed: three made-up students, the data of lecture 6.

After 1 and 2 hours they failed, after 3 hours one passed. The classes can be separated perfectly,
so the weights grow for ever: the longer the training, the steeper the curve. There is no test set,
so a run is evaluated on the points that it was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from datasets.dataset import Data, Dataset, DataSpec, Split
from datasets.reading.number_encoders import NumbersEncoder
from datasets.reading.progress import NO_REPORTS, ProgressReporter


def read(_: Mapping[str, Path], __: ProgressReporter = NO_REPORTS) -> Data:
    """Inputs (3, 1) in hours, targets (3, 1) 0 or 1, both float32."""
    return Data(
        spec=DataSpec(input_shape=(1,), task="binary", classes=("fail", "pass")),
        train=Split(
            np.array([[1], [2], [3]], np.float32),
            np.array([[0], [0], [1]], np.float32),
        ),
        test=None,
        encode=NumbersEncoder(("hours",)),
        input_help="the hours studied, such as 4",
    )


DATASET = Dataset(
    title="Hours studied, exam passed",
    description="The three points of lecture 6: 1 and 2 hours fail, 3 hours pass.",
    read=read,
)
