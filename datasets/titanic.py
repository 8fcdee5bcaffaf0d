"""Titanic: which passengers survived, the exercise of lecture 8.

OpenML's file has 1 309 passengers. Kaggle's `train.csv` has 891 of them (it needs a login); it is
used if it is in `--data-dir` or in a folder `titanic` there. 38 % survived; the rule "women
survive, men don't" is right for 78 to 79 %, so a model has to beat that.

Traps: 263 ages are missing (177 in Kaggle's file), and one NaN in a batch makes every loss NaN. A
missing number is filled with the median of the train rows, a missing port with the most frequent
one. Name, ticket and cabin are left out, and so are `boat` and `body`: passengers with a boat
number survived, so that column would give the target away. Kaggle's `gender_submission.csv` is the
rule above, not the truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from datasets.dataset import Data, DataDamaged, Dataset, DataSpec, RemoteFile, Split
from datasets.reading.number_encoders import Scale, parse_number, typed_values
from datasets.reading.progress import NO_REPORTS, ProgressReporter
from datasets.reading.splitting import held_out_rows
from datasets.reading.tables import Table, read_table

NUMBERS = ("age", "sibsp", "parch", "fare")
CATEGORIES = {"pclass": ("1", "2", "3"), "sex": ("female", "male"), "embarked": ("C", "Q", "S")}
TYPED = ("pclass", "sex", "age", "sibsp", "parch", "fare", "embarked")

# Rows and survivors of OpenML's file and of Kaggle's.
KNOWN = {(1309, 500), (891, 342)}


@dataclass(frozen=True)
class Features:
    """Turns passengers into numbers, with the medians, scales and words of the train rows."""

    median: np.ndarray
    scale: Scale
    most_frequent: Mapping[str, str]

    def __post_init__(self) -> None:
        if not self.median.shape == self.scale.mean.shape == (len(NUMBERS),):
            raise ValueError(f"a passenger has {len(NUMBERS)} numbers")
        if any(self.most_frequent.get(name) not in values for name, values in CATEGORIES.items()):
            raise ValueError(f"{', '.join(CATEGORIES)} need a value each to fill missing ones")

    @classmethod
    def of(cls, numbers: np.ndarray, categories: Mapping[str, np.ndarray]) -> Features:
        """Measure the train rows: `numbers` (N, 4) with NaN, categories (N,) with ""."""
        median = np.nanmedian(numbers, axis=0)
        filled = np.where(np.isnan(numbers), median, numbers)
        return cls(
            median,
            Scale.of(filled),
            {
                name: max(CATEGORIES[name], key=list(texts).count)
                for name, texts in categories.items()
            },
        )

    def __call__(self, numbers: np.ndarray, categories: Mapping[str, Sequence[str]]) -> np.ndarray:
        """(N, 12) float32: the numbers, scaled, then 1 for each category that applies, else 0."""
        columns = [self.scale(np.where(np.isnan(numbers), self.median, numbers))]
        for name, values in CATEGORIES.items():
            filled = [text or self.most_frequent[name] for text in categories[name]]
            columns.append(np.array([[text == value for value in values] for text in filled]))
        return np.column_stack(columns).astype(np.float32)


@dataclass(frozen=True)
class PassengerEncoder:
    """Turns a passenger that the user types into inputs."""

    features: Features
    shape: ClassVar = (len(NUMBERS) + sum(map(len, CATEGORIES.values())),)
    dtype: ClassVar = np.float32

    def __call__(self, text: str) -> np.ndarray:
        """The inputs of a passenger typed as `TYPED`, (12,) float32. Raises ValueError."""
        return encode(text, self.features)


def read(paths: Mapping[str, Path], reporter: ProgressReporter = NO_REPORTS) -> Data:
    """Inputs (N, 12), targets (N, 1), 1 for survived, all float32; a fifth is held out.

    Raises DataDamaged, naming the file.
    """
    numbers, categories, survived = read_passengers(next(iter(paths.values())))
    # By sex too, so that the rule scores as much on the test set as on the whole.
    test = held_out_rows(survived[:, 0] + 2 * (categories["sex"] == "female"))
    features = Features.of(numbers[~test], {k: v[~test] for k, v in categories.items()})
    inputs = features(numbers, {name: list(texts) for name, texts in categories.items()})
    return Data(
        spec=DataSpec(inputs.shape[1:], "binary", classes=("died", "survived")),
        train=Split(inputs[~test], survived[~test]),
        test=Split(inputs[test], survived[test]),
        encode=PassengerEncoder(features),
        input_help=f"{', '.join(TYPED)}, such as 3,male,22,1,0,7.25,S (? if unknown)",
        scales=features.scale.by_name(NUMBERS),
    )


def read_passengers(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Numbers (N, 4) with NaN, categories (N,) with "", survived (N, 1). Raises DataDamaged."""
    table = read_table(path)
    table = Table(path, tuple(map(str.lower, table.columns)), table.rows, table.lines)
    numbers = table.matrix(NUMBERS)
    categories = {name: np.array(table.texts(name)) for name in CATEGORIES}
    survived = table.numbers("survived").astype(np.float32)[:, np.newaxis]
    for name, texts in categories.items():
        if strange := set(texts) - {"", *CATEGORIES[name]}:
            raise DataDamaged(f"{path}, column {name!r}: {strange.pop()!r} is not expected there.")
    if (len(table), int(survived.sum())) not in KNOWN or (numbers < 0).any():
        raise DataDamaged(
            f"{path} is neither OpenML's file (1309 rows, 500 survived) nor Kaggle's train.csv "
            f"(891, 342): it has {len(table)} rows, {survived.sum():g} survived."
        )
    return numbers, categories, survived


def encode(text: str, features: Features) -> np.ndarray:
    """One passenger, typed as `TYPED`, as (12,) float32. Raises ValueError."""
    typed = dict(zip(TYPED, typed_values(text, TYPED), strict=True))
    known = {name: "" if value in ("", "?") else value for name, value in typed.items()}
    numbers = [parse_number(known[name], name) if known[name] else np.nan for name in NUMBERS]
    if min(numbers) < 0:
        raise ValueError(f"{', '.join(NUMBERS)} can't be below 0")
    categories = {}
    for name, values in CATEGORIES.items():
        match = [value for value in values if value.lower() == known[name].lower()]
        if known[name] and not match:
            raise ValueError(f"{name} is one of {', '.join(values)}, not {known[name]!r}")
        categories[name] = match or [""]
    return features(np.array([numbers]), categories)[0]


OPENML = RemoteFile(
    name="Titanic.arff",
    urls=(
        "https://www.openml.org/data/v1/download/16826755/Titanic.arff",
        "https://api.openml.org/data/v1/download/16826755/Titanic.arff",
    ),
    size=118_039,
    checksum="md5:60ac7205eee0ba5045c90b3bba95b1c4",
)
KAGGLE = RemoteFile(
    "train.csv",
    urls=(),
    size=61_194,
    checksum=None,
    aliases=("train.csv.gz", "train.csv.zip", "titanic.zip"),
    beginning=b"PassengerId,Survived,Pclass,",
)

DATASET = Dataset(
    title="Titanic",
    description="1 309 passengers: who survived? (Kaggle's 891 where you have its train.csv.)",
    read=read,
    files=(OPENML,),
    alternatives=((KAGGLE,),),
)
