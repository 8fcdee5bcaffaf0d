"""Hours studied and points scored: three made-up students, the data of lectures 2 to 5.

1, 2 and 3 hours gave 2, 4 and 6 points. The course's question: what will 4 hours give? The three
points lie exactly on a line, so y = 2x has a loss of 0; real data never do. There is no test set,
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
    """Inputs (3, 1) in hours, targets (3, 1) in points, both float32."""
    hours = np.array([[1], [2], [3]], np.float32)
    return Data(
        spec=DataSpec(input_shape=(1,), task="regression"),
        train=Split(hours, 2 * hours),
        test=None,
        encode=NumbersEncoder(("hours",)),
        input_help="the hours studied, such as 4",
    )


DATASET = Dataset(
    title="Hours studied, points scored",
    description="The three points of lectures 2 to 5: (1, 2), (2, 4), (3, 6).",
    read=read,
)
