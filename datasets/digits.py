"""Digits: 1 797 scans of handwritten digits that come with scikit-learn, in the format of MNIST.

They are 8x8 grey values from 0 to 16, the test part of a set of forms that 43 people filled in
(UCI's "Optical Recognition of Handwritten Digits"). Here each value becomes a block of 3x3 with a
margin of 2 around the image: 28x28 from 0 to 255, so every model for MNIST runs on them offline.

1 438 are the train set and 359 the test set, with the same share of each digit. So few scans need
more epochs and a larger learning rate than MNIST's 60 000. One scan is 0.28 % of the test set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from datasets.dataset import Data, Dataset, DataSpec
from datasets.reading.bundled import bundled_table
from datasets.reading.drawing_encoders import encode_drawing
from datasets.reading.progress import NO_REPORTS, ProgressReporter
from datasets.reading.splitting import split_off_test

BLOCK, MARGIN = 3, 2


def read(_: Mapping[str, Path], __: ProgressReporter = NO_REPORTS) -> Data:
    """Inputs (1438, 1, 28, 28) and (359, 1, 28, 28) uint8, targets (N,) int64."""
    pixels, labels = _scans()
    images = np.round(pixels.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    train, test = split_off_test(enlarge(images), labels.astype(np.int64))
    return Data(
        spec=DataSpec((1, 28, 28), "multiclass", classes=tuple("0123456789")),
        train=train,
        test=test,
        encode=ScanEncoder(),
        input_help="the path of an image of one digit",
        mean=float(np.mean(train.inputs / 255)),
        std=float(np.std(train.inputs / 255)),
    )


def _scans() -> tuple[np.ndarray, np.ndarray]:
    """Grey values (1797, 64) and labels (1797,)."""
    table = bundled_table("digits.csv.gz")
    if table is not None:
        return table[:, :-1], table[:, -1]
    from sklearn.datasets import load_digits

    pixels, labels = map(np.asarray, load_digits(return_X_y=True))
    return pixels, labels


def enlarge(images: np.ndarray) -> np.ndarray:
    """8x8 images (N, 8, 8) as blocks with a margin, (N, 1, 28, 28)."""
    blocks = images.repeat(BLOCK, axis=1).repeat(BLOCK, axis=2)
    return np.pad(blocks, [(0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)])[:, np.newaxis]


def encode(text: str) -> np.ndarray:
    """The image file that `text` names, as coarse as the scans, (1, 28, 28). Raises ValueError."""
    drawing = encode_drawing(text, side=8 * BLOCK, box=8 * BLOCK)[0]
    cells = drawing.reshape(8, BLOCK, 8, BLOCK).mean(axis=(1, 3))
    return enlarge(np.round(cells).astype(np.uint8)[np.newaxis])[0]


@dataclass(frozen=True)
class ScanEncoder:
    """Turns an image file that the user names into a scan like these."""

    shape: ClassVar = (1, 28, 28)
    dtype: ClassVar = np.uint8

    def __call__(self, text: str) -> np.ndarray:
        """The image, (1, 28, 28) uint8. Raises ValueError."""
        return encode(text)


DATASET = Dataset(
    title="Digits, small scans",
    description="1 797 real scans of handwritten digits that come with scikit-learn; no download.",
    read=read,
)
