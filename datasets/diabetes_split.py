"""Diabetes, split: the course's 759 rows, with a fifth of each class as the test set.

607 are the train set and 152 the test set. `diabetes` describes the data and their traps: 1 means
*not* diabetic, and always predicting that is right for 65 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from datasets import diabetes
from datasets.dataset import Data, Dataset
from datasets.reading.progress import NO_REPORTS, ProgressReporter
from datasets.reading.splitting import split_off_test


def read(paths: Mapping[str, Path], reporter: ProgressReporter = NO_REPORTS) -> Data:
    """Inputs (607, 8) and (152, 8), targets (N, 1), as `diabetes.read`. Raises DataDamaged."""
    whole = diabetes.read(paths, reporter)
    train, test = split_off_test(whole.train.inputs, whole.train.targets)
    return replace(whole, train=train, test=test)


DATASET = Dataset(
    title="Diabetes (Pima), a fifth held out",
    description="759 women, eight measurements each, diabetic or not; 152 of them to test on.",
    read=read,
    files=diabetes.DATASET.files,
    alternatives=diabetes.DATASET.alternatives,
    folders=("diabetes",),
)
