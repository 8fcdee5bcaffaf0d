"""Images of one's own as a data set: `folder:DIR`, with a folder of images for each class.

Where DIR has the folders `train` and `test` (or `val`), these are the split; else a fifth of each
class is held out. Images of one size, 64x64 or less, stay as they are; others are cut to a square
and scaled to 64x64. All grey means one channel. Arrays larger than a gigabyte are kept in a file of
the cache and read from there as training goes, so that they needn't fit into memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from datasets.dataset import Data, DataDamaged, Dataset, DataSpec, DataUnavailable, Split, Task
from datasets.images import open_image
from datasets.mapped import filled
from datasets.reading import UNWATCHED, Reading
from datasets.splitting import held_out

SIDE = 64
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}


def folder_dataset(folder: Path, task: Task | None) -> Dataset:
    """The images in the folders of `folder`. Raises DataUnavailable."""
    if not folder.is_dir():
        raise DataUnavailable(f"folder:{folder}: there is no such folder.")
    return Dataset(
        title=folder.name,
        description=f"The images in the folders of {folder}, one folder a class.",
        read=lambda _, reading: read(folder, task, reading),
    )


@dataclass(frozen=True)
class _Listed:
    """The image files of a part of the data set, and the number of each one's class."""

    paths: list[Path]
    labels: np.ndarray

    def where(self, chosen: np.ndarray) -> _Listed:
        rows = np.flatnonzero(chosen)
        return _Listed([self.paths[row] for row in rows], self.labels[rows])


def read(folder: Path, task: Task | None, reading: Reading = UNWATCHED) -> Data:
    """Inputs (N, channels, height, width) uint8. Raises DataDamaged, naming the file or folder."""
    tests = [folder / name for name in ("test", "val") if (folder / name).is_dir()]
    divided = bool(tests) and (folder / "train").is_dir()
    classes = _class_names(folder / "train" if divided else folder)
    if task == "regression" or (task == "binary" and len(classes) != 2):
        wanted = "a number" if task == "regression" else "two classes"
        raise DataDamaged(f"{folder} has {len(classes)} classes, but the model is for {wanted}.")
    listed = _listed(folder / "train" if divided else folder, classes)
    held = held_out(listed.labels) if not divided else None
    train = listed if held is None else listed.where(~held)
    test = _listed(tests[0], classes) if held is None else listed.where(held)
    channels, height, width = shape = _common_shape(train.paths + test.paths, reading)
    binary = task == "binary" or (task is None and len(classes) == 2)
    splits = [_split(part, shape, binary, reading) for part in (train, test)]
    mean, std = _mean_and_std(splits[0].inputs, reading)
    return Data(
        spec=DataSpec(shape, "binary" if binary else "multiclass", classes),
        train=splits[0],
        test=splits[1] if len(splits[1]) else None,
        encode=partial(_encode, shape=shape),
        input_help="the path of an image",
        mean=mean,
        std=std,
        notes=(f"{len(listed.paths)} images as {channels} x {height} x {width}",),
    )


def _class_names(folder: Path) -> tuple[str, ...]:
    names = sorted(path.name for path in folder.iterdir() if _is_shown(path) and path.is_dir())
    if len(names) < 2:
        raise DataDamaged(f"{folder} needs a folder of images for each of two classes or more.")
    return tuple(names)


def _is_shown(path: Path) -> bool:
    return not path.name.startswith((".", "__"))


def _listed(folder: Path, classes: Sequence[str]) -> _Listed:
    if foreign := set(_class_names(folder)) - set(classes):
        raise DataDamaged(f"{folder} has the class {min(foreign)!r}, which the train folder lacks.")
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        files = sorted((folder / name).rglob("*")) if (folder / name).is_dir() else []
        images = [file for file in files if file.suffix.lower() in SUFFIXES and _is_shown(file)]
        if not images:
            raise DataDamaged(f"{folder / name} has no images ({', '.join(sorted(SUFFIXES))}).")
        paths += images
        labels += [label] * len(images)
    return _Listed(paths, np.array(labels, np.int64))


def _common_shape(paths: Sequence[Path], reading: Reading) -> tuple[int, int, int]:
    """The shape for all images, by what their files say at their beginning."""
    from PIL import Image

    sizes, modes = set(), set()
    for number, path in enumerate(paths):
        reading.advance(number, len(paths), "the sizes of images")
        try:
            with Image.open(path) as image:
                sizes.add(image.size)
                modes.add(image.mode)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise DataDamaged(f"{path} can't be read as an image: {error}.") from error
    small = len(sizes) == 1 and max(max(size) for size in sizes) <= SIDE
    width, height = sizes.pop() if small else (SIDE, SIDE)
    return (1 if modes <= {"1", "L"} else 3), height, width


def _split(listed: _Listed, shape: tuple[int, int, int], binary: bool, reading: Reading) -> Split:
    targets = listed.labels[:, np.newaxis].astype(np.float32) if binary else listed.labels
    whole = (len(listed.paths), *shape)
    fill = partial(_fill, paths=listed.paths, reading=reading)
    return Split(filled(whole, np.uint8, fill, listed.paths, "images"), targets)


def _fill(pixels: np.ndarray, paths: Sequence[Path], reading: Reading) -> None:
    for row, path in enumerate(paths):
        reading.advance(row, len(paths), "images")
        try:
            pixels[row] = _encode(str(path), pixels.shape[1:])
        except ValueError as error:
            raise DataDamaged(f"{error}.") from error


def _encode(text: str, shape: Sequence[int]) -> np.ndarray:
    """The image file that `text` names, as `shape` (channels, height, width). Raises ValueError."""
    from PIL import ImageOps

    image = open_image(text).convert("L" if shape[0] == 1 else "RGB")
    if image.size != (shape[2], shape[1]):
        image = ImageOps.fit(image, (shape[2], shape[1]))
    return np.asarray(image).reshape(shape[1], shape[2], shape[0]).transpose(2, 0, 1)


def _mean_and_std(
    images: np.ndarray, reading: Reading
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Of each channel's pixels after the division by 255, counted a thousand images at a time."""
    counts = np.zeros((images.shape[1], 256))
    for rows in reading.chunks(len(images), 1000, "the pixels", action="measuring"):
        for channel, pixels in enumerate(images[rows].swapaxes(0, 1)):
            counts[channel] += np.bincount(pixels.ravel(), minlength=256)
    shares = counts / counts.sum(axis=1, keepdims=True)
    values = np.arange(256) / 255
    means = shares @ values
    stds = np.sqrt(shares @ values**2 - means**2)
    return tuple(means.tolist()), tuple(np.where(stds > 0, stds, 1).tolist())
