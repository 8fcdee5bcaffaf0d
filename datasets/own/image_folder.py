"""Reads the user's images as a data set: `folder:DIR`, with a folder of images for each class.

If all images have the same size, 64x64 or less, they stay as they are; else they are cropped to a
square and scaled to 64x64. If all are grey, there is one channel, of 16 bits if any has more than
8. Arrays larger than a gigabyte are kept in a file of the cache and read from it during training,
so they needn't fit into memory. `image_lists.py` finds the files and splits them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from datasets.dataset import Data, DataDamaged, Dataset, DataSpec, DataUnavailable, Split, Task
from datasets.own.image_lists import ImageList, list_images
from datasets.own.mapped import filled_array
from datasets.reading.image_encoder import ImageEncoder
from datasets.reading.image_files import DEEP_MODES, GREY_MODES, open_image_file
from datasets.reading.progress import NO_REPORTS, ProgressReporter

SIDE = 64

_SAMPLE = 64
"""Files that are opened first to find the images' common format."""


def folder_dataset(folder: Path, task: Task | None) -> Dataset:
    """The declaration of the images in the folders of `folder`. Raises DataUnavailable."""
    if not folder.is_dir():
        raise DataUnavailable(f"folder:{folder}: there is no such folder.")
    return Dataset(
        title=folder.name,
        description=f"The images in the folders of {folder}, one folder per class.",
        read=lambda _, reporter: read(folder, task, reporter),
    )


def read(folder: Path, task: Task | None, reporter: ProgressReporter = NO_REPORTS) -> Data:
    """Inputs (N, channels, height, width) uint8 or uint16.

    Raises DataDamaged with the file or folder.
    """
    lists = list_images(folder, reporter)
    classes = lists.classes
    refuse_other_task(folder, len(classes), task)
    binary = task == "binary" or (task is None and len(classes) == 2)
    encoder, train, test = _read_all(lists.train, lists.test, binary, reporter)
    mean, std = _mean_and_std(train.inputs, reporter)
    size = " x ".join(map(str, encoder.shape))
    depth = ", in 16 bits" if encoder.depth == 16 else ""
    return Data(
        spec=DataSpec(encoder.shape, "binary" if binary else "multiclass", classes),
        train=train,
        test=test if len(test) else None,
        encode=encoder,
        input_help="the path of an image",
        mean=mean,
        std=std,
        notes=(f"{len(train) + len(test)} images as {size}{depth}", *lists.notes),
    )


def refuse_other_task(folder: Path, classes: int, task: Task | None) -> None:
    """Raise DataDamaged when the model's `task` doesn't suit so many `classes`."""
    if task == "regression" or (task == "binary" and classes != 2):
        predicted = "a number" if task == "regression" else "one of two classes"
        raise DataDamaged(f"{folder} has {classes} classes, but the model predicts {predicted}.")


@dataclass(frozen=True)
class _Kind:
    """The common format of images: their size (None when they differ), and whether all are grey."""

    size: tuple[int, int] | None
    is_grey: bool
    is_deep: bool

    @classmethod
    def of(cls, size: tuple[int, int], mode: str) -> _Kind:
        return cls(size, mode in GREY_MODES | DEEP_MODES, mode in DEEP_MODES)

    def joined(self, other: _Kind) -> _Kind:
        """The common format of these images and others."""
        return _Kind(
            self.size if self.size == other.size else None,
            self.is_grey and other.is_grey,
            self.is_deep or other.is_deep,
        )

    @property
    def encoder(self) -> ImageEncoder:
        is_small = self.size is not None and max(self.size) <= SIDE
        width, height = self.size if self.size is not None and is_small else (SIDE, SIDE)
        depth = 16 if self.is_grey and self.is_deep else 8
        return ImageEncoder((1 if self.is_grey else 3, height, width), depth)


class _Unlike(Exception):
    """An image of another format than the ones before; `kind` is their common format."""

    def __init__(self, kind: _Kind) -> None:
        self.kind = kind


def _read_all(
    train: ImageList, test: ImageList, binary: bool, reporter: ProgressReporter
) -> tuple[ImageEncoder, Split, Split]:
    """Read all images with the format of a sample. When an image has another format, all are read
    again with the common one.
    """
    kind = _kind_of_sample([*train.paths, *test.paths], reporter)
    while True:
        try:
            count = len(train.paths) + len(test.paths)
            first = _split(train, kind, binary, reporter, range(count))
            second = _split(test, kind, binary, reporter, range(len(train.paths), count))
            return kind.encoder, first, second
        except _Unlike as found:
            kind = found.kind


def encoder_of_sample(paths: Sequence[Path], reporter: ProgressReporter) -> ImageEncoder:
    """The encoder for the common format of a sample of the images. Raises DataDamaged."""
    return _kind_of_sample(paths, reporter).encoder


def _kind_of_sample(paths: Sequence[Path], reporter: ProgressReporter) -> _Kind:
    places = np.unique(np.linspace(0, len(paths) - 1, _SAMPLE).astype(int)).tolist()
    kinds: set[_Kind] = set()
    for number, place in enumerate(places):
        reporter.advance(number, len(places), "a sample of the images")
        try:
            with open_image_file(paths[place]) as image:
                kinds.add(_Kind.of(image.size, image.mode))
        except ValueError as error:
            raise DataDamaged(f"{error}.") from error
    kind = kinds.pop()
    for other in kinds:
        kind = kind.joined(other)
    return kind


def _split(
    listed: ImageList, kind: _Kind, binary: bool, reporter: ProgressReporter, places: range
) -> Split:
    """The images of one part. They are numbers `places.start` and up of `places.stop` in all."""
    targets = listed.labels[:, np.newaxis].astype(np.float32) if binary else listed.labels
    encoder = kind.encoder
    whole = (len(listed.paths), *encoder.shape)
    fill = partial(_fill, paths=listed.paths, kind=kind, reporter=reporter, places=places)
    return Split(
        filled_array(whole, encoder.dtype, fill, listed.paths, "images", reporter), targets
    )


def _fill(
    pixels: np.ndarray,
    paths: Sequence[Path],
    kind: _Kind,
    reporter: ProgressReporter,
    places: range,
) -> None:
    encoder = kind.encoder
    for row, path in enumerate(paths):
        reporter.advance(places.start + row, places.stop, "images")
        try:
            with open_image_file(path) as image:
                joined = kind.joined(_Kind.of(image.size, image.mode))
                if joined == kind or joined.encoder == encoder:
                    pixels[row] = encoder.pixels(image)
                    continue
        except ValueError as error:
            raise DataDamaged(f"{error}.") from error
        raise _Unlike(joined)


def _mean_and_std(
    images: np.ndarray, reporter: ProgressReporter
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std of each channel's pixels, from 0 to 1; reads a thousand images at a time."""
    top = int(np.iinfo(images.dtype).max)
    counts = np.zeros((images.shape[1], top + 1))
    for rows in reporter.chunks(len(images), 1000, "the pixels", action="measuring"):
        for channel, pixels in enumerate(images[rows].swapaxes(0, 1)):
            counts[channel] += np.bincount(pixels.ravel(), minlength=top + 1)
    shares = counts / counts.sum(axis=1, keepdims=True)
    values = np.arange(top + 1) / top
    means = shares @ values
    stds = np.sqrt(np.maximum(shares @ values**2 - means**2, 0))
    return tuple(means.tolist()), tuple(np.where(stds > 0, stds, 1).tolist())
