"""Lists the image files of a folder by class, and splits them into train and test set.

A folder called `train` beside one called `test`, `val` or `validation` (upper or lower case) is the
split; else a fifth of each class is held out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.dataset import DataDamaged
from datasets.reading.image_files import SUFFIXES
from datasets.reading.progress import ProgressReporter
from datasets.reading.splitting import held_out_rows

_TESTS = ("test", "val", "validation")
"""The names that the folder of the test set may have, the preferred one first."""

_NAMED = 10
"""How many classes a note names at most."""


@dataclass(frozen=True)
class ImageList:
    """Image files, and the number of each one's class."""

    paths: list[Path]
    labels: np.ndarray

    def where(self, chosen: np.ndarray) -> ImageList:
        """The images that `chosen` (N,) bool selects."""
        rows = np.flatnonzero(chosen)
        return ImageList([self.paths[row] for row in rows], self.labels[rows])


@dataclass(frozen=True)
class ImageLists:
    """The images of a folder, split; the names of their classes; and notes for the user."""

    train: ImageList
    test: ImageList
    classes: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ImageFolders:
    """The folders that contain the classes' folders: of the train set, and of the test set, if any.

    `notes` describe the split.
    """

    train: Path
    test: Path | None
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()


def image_folders(folder: Path) -> ImageFolders:
    """The split and the classes of `folder`. Raises DataDamaged."""
    parts = {path.name.lower(): path for path in _folders(folder)}
    trained = parts.get("train")
    tests = [parts[name] for name in _TESTS if name in parts]
    root = trained if trained is not None and (tests or len(parts) == 1) else folder
    classes = _class_names(root)
    if root is folder or not tests:
        return ImageFolders(root, None, classes)
    notes = [f"{root.name} is the train set, {tests[0].name} the test set"]
    notes += [f"{path.name} is left out: {tests[0].name} is used" for path in tests[1:]]
    return ImageFolders(root, tests[0], classes, tuple(notes))


def list_images(folder: Path, reporter: ProgressReporter) -> ImageLists:
    """The images of `folder`, split. Raises DataDamaged with the folder that has none."""
    found = image_folders(folder)
    notes = (_naming(found.classes), *found.notes)
    listed = _listed(found.train, found.classes, reporter)
    if found.test is None:
        held = held_out_rows(listed.labels)
        return ImageLists(listed.where(~held), listed.where(held), found.classes, notes)
    test = _listed(found.test, found.classes, reporter)
    return ImageLists(listed, test, found.classes, notes)


def _naming(classes: Sequence[str]) -> str:
    named = ", ".join(classes[:_NAMED])
    more = f" and {len(classes) - _NAMED} more" if len(classes) > _NAMED else ""
    return f"{len(classes)} classes: {named}{more}"


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if _is_shown(path) and path.is_dir())
    except OSError as error:
        raise DataDamaged(f"{folder} can't be read: {error.strerror}.") from error


def _class_names(folder: Path) -> tuple[str, ...]:
    names = sorted(path.name for path in _folders(folder))
    if len(names) < 2:
        raise DataDamaged(f"{folder} needs a folder of images for each of two classes or more.")
    return tuple(names)


def _is_shown(path: Path) -> bool:
    return not path.name.startswith((".", "__"))


def _listed(folder: Path, classes: Sequence[str], reporter: ProgressReporter) -> ImageList:
    if foreign := set(_class_names(folder)) - set(classes):
        raise DataDamaged(f"{folder} has the class {min(foreign)!r}, which the train folder lacks.")
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        images = sorted(images_in(folder / name, reporter))
        if not images:
            raise DataDamaged(f"{folder / name} has no images ({', '.join(sorted(SUFFIXES))}).")
        paths += images
        labels += [label] * len(images)
    return ImageList(paths, np.array(labels, np.int64))


def images_in(folder: Path, reporter: ProgressReporter) -> Iterator[Path]:
    """The image files in the folder of a class, unordered."""
    count = 0
    for file in folder.rglob("*") if folder.is_dir() else ():
        reporter.advance(count, 0, f"images in {folder.name}", action="finding")
        if file.suffix.lower() in SUFFIXES and _is_shown(file):
            count += 1
            yield file
