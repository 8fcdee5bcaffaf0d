"""Breast cancer: 569 tumours measured under the microscope, which come with scikit-learn.

The 30 features are the mean, the standard error and the worst value of ten measures of the cell
nuclei (radius, texture, ...), from the University of Wisconsin, 1995. 212 tumours were malignant,
357 benign: always predicting benign is right for 63 %.

The features differ by a factor of 10 000 (area against fractal dimension), and unscaled they make
the first layer useless. Each is shifted and scaled to mean 0 and standard deviation 1, measured on
the train rows. A fifth of each class is the test set.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from datasets.dataset import Data, Dataset, DataSpec, Split
from datasets.reading.bundled import bundled_table
from datasets.reading.number_encoders import NumbersEncoder, Scale
from datasets.reading.progress import NO_REPORTS, ProgressReporter
from datasets.reading.splitting import split_off_test


def read(_: Mapping[str, Path], __: ProgressReporter = NO_REPORTS) -> Data:
    """Inputs (456, 30) and (113, 30) scaled, targets (N, 1), 1 for benign, all float32."""
    features, labels = _tumours()
    train, test = split_off_test(features, labels[:, np.newaxis].astype(np.float32))
    scale = Scale.of(train.inputs)
    return Data(
        spec=DataSpec((30,), "binary", classes=("malignant", "benign")),
        train=Split(scale(train.inputs), train.targets),
        test=Split(scale(test.inputs), test.targets),
        encode=NumbersEncoder(FEATURES, scale),
        input_help="the 30 measures separated by commas, in scikit-learn's order and units",
        scales=scale.by_name(FEATURES),
    )


def _tumours() -> tuple[np.ndarray, np.ndarray]:
    """Measures (569, 30) and labels (569,)."""
    table = bundled_table("breast_cancer.csv", skip_lines=1)
    if table is not None:
        return table[:, :-1], table[:, -1]
    from sklearn.datasets import load_breast_cancer

    features, labels = map(np.asarray, load_breast_cancer(return_X_y=True))
    return features, labels


_MEASURES = ("radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity")
_MEASURES += ("concave points", "symmetry", "fractal dimension")
FEATURES = tuple(f"{kind} {m}" for kind in ("mean", "error of", "worst") for m in _MEASURES)

DATASET = Dataset(
    title="Breast cancer",
    description="569 tumours, 30 measures each, malignant or benign; comes with scikit-learn.",
    read=read,
)
