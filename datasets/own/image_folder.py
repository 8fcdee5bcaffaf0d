"""Images of one's own as a data set: `folder:DIR`, with a folder of images for each class.

Images of one size, 64x64 or less, stay as they are; others are cut to a square and scaled to 64x64.
All grey means one channel, of 16 bits where an image has more than 8. Arrays larger than a gigabyte
are kept in a file of the cache and read from there as training goes, so that they needn't fit into
memory. `own_image_lists.py` says which files there are, and which are to test on.
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
"""Files that are opened at first to see what the images are like."""


def folder_dataset(folder: Path, task: Task | None) -> Dataset:
    """The images in the folders of `folder`. Raises DataUnavailable."""
    if not folder.is_dir():
        raise DataUnavailable(f"folder:{folder}: there is no such folder.")
    return Dataset(
        title=folder.name,
        description=f"The images in the folders of {folder}, one folder a class.",
        read=lambda _, reporter: read(folder, task, reporter),
    )


def read(folder: Path, task: Task | None, reporter: ProgressReporter = NO_REPORTS) -> Data:
    """Inputs (N, channels, height, width) uint8 or uint16.

    Raises DataDamaged, naming the file or folder.
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
    """Raise DataDamaged for so many `classes` where a model is for something else."""
    if task == "regression" or (task == "binary" and classes != 2):
        wanted = "a number" if task == "regression" else "two classes"
        raise DataDamaged(f"{folder} has {classes} classes, but the model is for {wanted}.")


@dataclass(frozen=True)
class _Kind:
    """What images have in common: their size (None when they differ), and whether all are grey."""

    size: tuple[int, int] | None
    is_grey: bool
    is_deep: bool

    @classmethod
    def of(cls, size: tuple[int, int], mode: str) -> _Kind:
        return cls(size, mode in GREY_MODES | DEEP_MODES, mode in DEEP_MODES)

    def joined(self, other: _Kind) -> _Kind:
        """What these images and others have in common."""
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
    """An image that doesn't go with the ones before; `kind` is what it shares with them."""

    def __init__(self, kind: _Kind) -> None:
        self.kind = kind


def _read_all(
    train: ImageList, test: ImageList, binary: bool, reporter: ProgressReporter
) -> tuple[ImageEncoder, Split, Split]:
    """Every file is opened once: what a sample is like holds until an image is found that isn't so,
    and then all are read again.
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
    """What the images would be turned into, by a sample of them. Raises DataDamaged."""
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
    """The images of a part, the first of `places.stop` in all being number `places.start`."""
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
    """Of each channel's pixels as shares of the largest value, a thousand images at a time."""
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
