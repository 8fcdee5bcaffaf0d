"""Diabetes: 759 women of the Pima, eight measurements each, the data of lectures 7 and 8.

Trap 1: in this file 1 means *not* diabetic, the opposite of its source (Pima Indians Diabetes, 768
women, National Institute of Diabetes, 1990). 496 of 759 are 1, so always predicting "not diabetic"
is right for 65.35 %: a network that reaches only this has learned nothing.
Trap 2: scikit-learn's `load_diabetes` is a different set, a regression on 442 patients.

In the course's file each column is scaled to -1 .. 1 by its least and greatest value over all 768
women; then every -1 is written as 0, and nine rows are dropped. So 0 pregnancies and a missing
measurement (which Pima writes as 0) both became 0, in the middle of the scale. If the course's file
isn't available, it is rebuilt from Pima's, to the sixth digit.

Lecture 7 trains and evaluates on all rows; `diabetes-split` holds a fifth out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from datasets.dataset import Data, DataDamaged, Dataset, DataSpec, RemoteFile, Split
from datasets.reading.number_encoders import encode_numbers
from datasets.reading.progress import NO_REPORTS, ProgressReporter
from datasets.reading.tables import read_table
from datasets.reading.text_files import open_text

FEATURES = ("pregnancies", "glucose", "blood pressure", "skin thickness")
FEATURES += ("insulin", "body mass index", "pedigree function", "age")

# The values of the 768 women that -1 and 1 stand for, feature by feature.
LEAST = np.array([0, 0, 0, 0, 0, 0, 0.078, 21])
GREATEST = np.array([17, 199, 122, 99, 846, 67.1, 2.42, 81])

# The rows of the 768, counted from 0, that are missing in the course's file.
DROPPED = (14, 24, 236, 259, 285, 401, 458, 517, 658)


@dataclass(frozen=True)
class MeasurementsEncoder:
    """Turns Pima's measurements that the user types into inputs."""

    shape: ClassVar = (len(FEATURES),)
    dtype: ClassVar = np.float32

    def __call__(self, text: str) -> np.ndarray:
        """The inputs of a woman typed as `FEATURES`, (8,) float32. Raises ValueError."""
        return scaled(encode_numbers(text, FEATURES).astype(float))


def read(paths: Mapping[str, Path], reporter: ProgressReporter = NO_REPORTS) -> Data:
    """Inputs (759, 8) from -1 to 1, targets (759, 1), 1 for not diabetic, all float32.

    Raises DataDamaged, naming the file.
    """
    rows = read_rows(next(iter(paths.values())))
    return Data(
        spec=DataSpec((8,), "binary", classes=("diabetic", "not diabetic")),
        train=Split(rows[:, :-1], rows[:, -1:]),
        test=None,
        encode=MeasurementsEncoder(),
        input_help=f"{', '.join(FEATURES)}, such as 6,148,72,35,0,33.6,0.627,50",
    )


def read_rows(path: Path) -> np.ndarray:
    """The course's (759, 9) float32 from its own file or from Pima's. Raises DataDamaged."""
    with open_text(path) as file:
        content = file.read()
    rows = _course(path, content) if content[:1] in {*"-0123456789"} else _rebuilt(path)
    if rows.shape != (759, 9) or not (np.abs(rows) <= 1).all() or rows[:, -1].sum() != 496:
        raise DataDamaged(
            f"{path} is not the course's diabetes data: 759 rows of 9 values, 496 ones."
        )
    return rows.astype(np.float32)


def _course(path: Path, content: str) -> np.ndarray:
    try:
        return np.array([line.split(",") for line in content.split()], np.float64)
    except ValueError as error:
        raise DataDamaged(f"{path} isn't a table of numbers: {error}.") from error


def _rebuilt(path: Path) -> np.ndarray:
    table = read_table(path)
    *features, label = table.columns
    if len(table) != 768 or len(features) != 8:
        raise DataDamaged(f"{path} is not Pima's 768 rows of 8 measurements and a label.")
    measured = table.matrix(features)
    diabetic = np.array([text in ("1", "tested_positive") for text in table.texts(label)])
    rows = np.column_stack([scaled(measured), ~diabetic])
    return np.delete(rows, DROPPED, axis=0)


def scaled(measured: np.ndarray) -> np.ndarray:
    """Pima's measurements (..., 8) as the course has them, float32 from -1 to 1."""
    values = (2 * (measured - LEAST) / (GREATEST - LEAST) - 1).astype(np.float32)
    return np.where(measured == LEAST, np.float32(0), values)


_REPOSITORY = "hunkim/PyTorchZeroToAll"

# The course's predecessor has the same file; OpenML has Pima's.
FILE = RemoteFile(
    name="diabetes.csv.gz",
    urls=(
        f"https://raw.githubusercontent.com/{_REPOSITORY}/master/data/diabetes.csv.gz",
        f"https://cdn.jsdelivr.net/gh/{_REPOSITORY}@master/data/diabetes.csv.gz",
        f"https://fastly.jsdelivr.net/gh/{_REPOSITORY}@master/data/diabetes.csv.gz",
    ),
    size=13_539,
    checksum="md5:b7f372850118dfaf306e2f334e6a718f",
    aliases=("diabetes.csv",),
)
PIMA = RemoteFile(
    name="diabetes.arff",
    urls=(
        "https://www.openml.org/data/v1/download/37/diabetes.arff",
        "https://api.openml.org/data/v1/download/37/diabetes.arff",
    ),
    size=37_419,
    checksum="md5:3cbaa3e54586aa88cf6aacb4033e4470",
)

DATASET = Dataset(
    title="Diabetes (Pima), all rows to train on",
    description="759 women, eight measurements each, diabetic or not; as the course has it.",
    read=read,
    files=(FILE,),
    alternatives=((PIMA,),),
)
