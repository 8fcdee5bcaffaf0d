"""Otto: 61 878 products in nine groups, the exercise of lecture 9.

Each product has 93 counts, whose meaning the Otto Group doesn't disclose; 79 % of them are 0, the
greatest is 352. Class 2 is the largest, 26.1 %. The data are from Kaggle's challenge of 2015.
OpenML has the same rows. Kaggle's `train.csv` (it needs a login) is used if it is in `--data-dir`
or in a folder `otto` there, plain, as `train.csv.gz` or in Kaggle's archive. About 12 MB.

Traps: the rows are sorted by class, so a test set cut off at the end would have one class only; a
fifth of each class is held out instead. The number of the row (`id`) would give the class away and
is left out. The counts are very uneven, so the inputs are log(1 + count), shifted and scaled to
mean 0 and standard deviation 1 over the train rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from datasets.dataset import Data, DataDamaged, Dataset, DataSpec, RemoteFile, Split
from datasets.reading.number_encoders import Scale, encode_numbers
from datasets.reading.progress import NO_REPORTS, ProgressReporter
from datasets.reading.splitting import split_off_test
from datasets.reading.tables import read_table

FEATURES = tuple(f"feat_{number}" for number in range(1, 94))
CLASSES = tuple(f"Class_{number}" for number in range(1, 10))

# Rows of each class, in Kaggle's file and in OpenML's; no checksum is published.
COUNTS = (1929, 16122, 8004, 2691, 2739, 14135, 2839, 8464, 4955)


@dataclass(frozen=True)
class CountsEncoder:
    """Turns the counts of a product that the user types into inputs."""

    scale: Scale
    shape: ClassVar = (len(FEATURES),)
    dtype: ClassVar = np.float32

    def __post_init__(self) -> None:
        if self.scale.mean.shape != self.shape:
            raise ValueError(f"{len(FEATURES)} counts are scaled as {len(self.scale.mean)}")

    def __call__(self, text: str) -> np.ndarray:
        """The inputs of a product, (93,) float32. Raises ValueError."""
        return self.scale(np.log1p(_counts(text)))


def read(paths: Mapping[str, Path], reporter: ProgressReporter = NO_REPORTS) -> Data:
    """Inputs (N, 93) float32 scaled, targets (N,) int64; a fifth is held out.

    Raises DataDamaged, naming the file.
    """
    counts, classes = read_products(next(iter(paths.values())))
    train, test = split_off_test(np.log1p(counts), classes)
    scale = Scale.of(train.inputs)
    return Data(
        spec=DataSpec((len(FEATURES),), "multiclass", classes=CLASSES),
        train=Split(scale(train.inputs), train.targets),
        test=Split(scale(test.inputs), test.targets),
        encode=CountsEncoder(scale),
        input_help="the 93 counts, feat_1 to feat_93, separated by commas",
        scales=scale.by_name(FEATURES),
    )


def read_products(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The counts (61878, 93) and the numbers of the classes (61878,) int64. Raises DataDamaged."""
    table = read_table(path)
    names = table.texts("target")
    if unknown := set(names) - set(CLASSES):
        raise DataDamaged(
            f"{path} has the class {sorted(unknown)[0]!r}, which isn't one of Otto's."
        )
    classes = np.array([CLASSES.index(name) for name in names], np.int64)
    counts = table.matrix(FEATURES)
    if tuple(np.bincount(classes, minlength=9)) != COUNTS:
        raise DataDamaged(
            f"{path} doesn't have Otto's 61878 rows, from 1929 of Class_1 to 4955 of Class_9."
        )
    if not ((counts >= 0) & (counts <= 352)).all():
        raise DataDamaged(f"{path} has counts below 0 or above 352, so they aren't Otto's.")
    return counts, classes


def _counts(text: str) -> np.ndarray:
    counts = encode_numbers(text, FEATURES)
    if (counts < 0).any():
        raise ValueError("a count can't be below 0")
    return counts


OPENML = RemoteFile(
    name="Otto.arff",
    urls=("https://www.openml.org/api/v1/json/data/45548",),
    size=12_000_000,
    checksum=None,
    check=read_products,
)
KAGGLE = RemoteFile(
    "train.csv",
    urls=(),
    size=12_000_000,
    checksum=None,
    aliases=("train.csv.gz", "train.csv.zip", "otto-group-product-classification-challenge.zip"),
    beginning=b"id,feat_1,feat_2,",
)

DATASET = Dataset(
    title="Otto Group, products",
    description="61 878 products, 93 counts each, in nine groups.",
    read=read,
    files=(OPENML,),
    alternatives=((KAGGLE,),),
    folders=("otto", "otto-group-product-classification-challenge"),
)
