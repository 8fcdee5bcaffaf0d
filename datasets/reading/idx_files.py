"""Images: the IDX files of MNIST and Fashion-MNIST, and drawings of one's own.

An IDX file is a header (two zero bytes, 8 for unsigned bytes, the number of dimensions, then each
dimension as a big-endian 32-bit integer) and the bytes. It is read packed (.gz) or plain.
"""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from datasets.dataset import DataDamaged, RemoteFile, Split
from datasets.reading.image_files import open_image
from datasets.reading.progress import NO_REPORTS, ProgressReporter

# MNIST's names, which Fashion-MNIST took over.
TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"


def idx_file(name: str, size: int, md5: str, mirrors: Sequence[str]) -> RemoteFile:
    """A packed IDX file, or what torchvision made of it in its folder `raw`."""
    plain = name.removesuffix(".gz")
    return RemoteFile(
        name=name,
        urls=tuple(mirror + name for mirror in mirrors),
        size=size,
        checksum=f"md5:{md5}",
        aliases=(plain, f"raw/{name}", f"raw/{plain}"),
    )


def read_idx_split(
    images: Path, labels: Path, classes: int, reporter: ProgressReporter = NO_REPORTS
) -> Split:
    """The images (N, 1, 28, 28) uint8 and labels (N,) int64 of two IDX files.

    Raises DataDamaged, naming the file.
    """
    reporter.check()
    inputs, targets = read_idx(images, 3), read_idx(labels, 1)
    if len(inputs) != len(targets):
        raise DataDamaged(f"{images} has {len(inputs)} images, but {labels} {len(targets)} labels.")
    if len(targets) and targets.max() >= classes:
        raise DataDamaged(f"{labels} has a label {targets.max()}: only 0 to {classes - 1} exist.")
    return Split(inputs[:, np.newaxis], targets.astype(np.int64))


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """The uint8 array of an IDX file. Raises DataDamaged, naming the file."""
    try:
        content = path.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataDamaged(f"{path} can't be read: {error}. Fetch it again.") from error
    header = 4 + 4 * dimensions
    if len(content) < header or content[:4] != bytes([0, 0, 8, dimensions]):
        raise DataDamaged(f"{path} is no IDX file of {dimensions} dimensions. Fetch it again.")
    shape = np.frombuffer(content, ">u4", dimensions, offset=4).tolist()
    values = np.frombuffer(content, np.uint8, offset=header)
    if values.size != math.prod(shape):
        raise DataDamaged(
            f"{path} announces {' x '.join(map(str, shape))} values but has {values.size}. "
            "Fetch it again."
        )
    return values.reshape(shape).copy()


def encode_drawing(text: str, side: int = 28, box: int = 20) -> np.ndarray:
    """The image file that `text` names, as MNIST's digits were made: (1, side, side) uint8.

    Light on dark (a drawing on a light ground is inverted), scaled to fit into box x box, and
    placed with its centre of mass in the middle. Raises ValueError when that can't be done.
    """
    from PIL import Image

    grey = np.asarray(open_image(text).convert("L"), dtype=np.float32)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ink = np.clip((np.median(border) - grey) if np.median(border) > 127 else grey, 0, None)
    if ink.max() < 10:
        raise ValueError(f"{text} shows nothing: all of it is equally bright")
    ink *= 255 / ink.max()
    rows, columns = (np.flatnonzero((ink > 25).any(axis=axis)) for axis in (1, 0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = box / max(ink.shape)
    height, width = (max(1, round(length * scale)) for length in ink.shape)
    small = Image.fromarray(ink.astype(np.uint8)).resize((width, height), Image.Resampling.BOX)
    return _centred(np.asarray(small), side)[np.newaxis]


def _centred(drawing: np.ndarray, side: int) -> np.ndarray:
    mass = drawing.astype(np.float64)
    height, width = drawing.shape
    middle_row = (mass.sum(axis=1) @ np.arange(height)) / mass.sum()
    middle_column = (mass.sum(axis=0) @ np.arange(width)) / mass.sum()
    top = int(np.clip(round((side - 1) / 2 - middle_row), 0, side - height))
    left = int(np.clip(round((side - 1) / 2 - middle_column), 0, side - width))
    canvas = np.zeros((side, side), np.uint8)
    canvas[top : top + height, left : left + width] = drawing
    return canvas


def encode_picture(text: str, side: int = 32) -> np.ndarray:
    """The middle of the image file that `text` names, (3, side, side) uint8. Raises ValueError."""
    from PIL import ImageOps

    picture = np.asarray(ImageOps.fit(open_image(text), (side, side)))
    return np.ascontiguousarray(picture.transpose(2, 0, 1))


@dataclass(frozen=True)
class DrawingEncoder:
    """Turns an image file that the user names into a drawing like MNIST's: side x side, the drawing
    itself in box x box.
    """

    side: int = 28
    box: int = 20
    dtype: ClassVar = np.uint8

    def __post_init__(self) -> None:
        if not 0 < self.box <= self.side:
            raise ValueError(f"a drawing of {self.box} pixels doesn't fit into {self.side}")

    @property
    def shape(self) -> tuple[int, ...]:
        """A sample's shape."""
        return (1, self.side, self.side)

    def __call__(self, text: str) -> np.ndarray:
        """The drawing, (1, side, side) uint8. Raises ValueError."""
        return encode_drawing(text, self.side, self.box)


@dataclass(frozen=True)
class PictureEncoder:
    """Turns an image file that the user names into a picture like CIFAR-10's, side x side."""

    side: int = 32
    dtype: ClassVar = np.uint8

    @property
    def shape(self) -> tuple[int, ...]:
        """A sample's shape."""
        return (3, self.side, self.side)

    def __call__(self, text: str) -> np.ndarray:
        """The picture, (3, side, side) uint8. Raises ValueError."""
        return encode_picture(text, self.side)
