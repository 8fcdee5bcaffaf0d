"""Lists a folder, in a thread, for the dialog that picks a file or a folder. Knows no Textual."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from datasets.reading.image_files import SUFFIXES as IMAGES

#: The suffixes of tables; `.gz` is a compressed one.
TABLES = (".csv", ".tsv", ".txt", ".data", ".gz", ".arff")

#: The most entries read of a folder, and of each folder in it that is searched for an image.
MOST, _LOOKED_AT = 200_000, 50

#: The most folders in a folder that are searched for images.
_FOLDERS = 5

#: Names of folders that split images into train and test set.
_SPLITS = {"train", "test", "val", "validation"}


@dataclass(frozen=True)
class Entry:
    """A file or a folder in a folder. `kind` is `folder`, `table`, `image` or `other`; `folded` is
    the name for a search.
    """

    name: str
    kind: str
    size: int = 0
    folded: str = ""

    @property
    def is_hidden(self) -> bool:
        """Whether its name begins with a dot."""
        return self.name.startswith(".")


@dataclass(frozen=True)
class Listing:
    """The entries of `folder`, folders first, or the `problem` with reading it.

    `folders` are the names of the visible ones. `has_classes` says that it looks like a data set of
    images: one folder a class, or train and test folders.
    """

    folder: Path
    entries: tuple[Entry, ...] = ()
    problem: str = ""
    is_cut: bool = False
    has_classes: bool = False
    folders: tuple[str, ...] = ()
    folder_count: int = 0


def list_folder(
    folder: Path, *, for_images: bool = False, stopped: Callable[[], bool] = lambda: False
) -> Listing | None:
    """Read `folder`; None once `stopped()` is true."""
    entries: list[Entry] = []
    try:
        with os.scandir(folder) as found:
            for each in found:
                if stopped():
                    return None
                if len(entries) == MOST:
                    break
                entries.append(_entry(each))
            is_cut = len(entries) == MOST and next(found, None) is not None
    except OSError as error:
        return Listing(folder, problem=f"{error.strerror or error}: {folder}")
    entries.sort(key=lambda entry: (entry.kind != "folder", entry.folded, entry.name))
    folders = tuple(e.name for e in entries if e.kind == "folder" and not e.is_hidden)
    has_classes = for_images and _has_classes(folder, folders)
    count = sum(entry.kind == "folder" for entry in entries)
    return Listing(folder, tuple(entries), "", is_cut, has_classes, folders, count)


def _entry(found: os.DirEntry[str]) -> Entry:
    folded = found.name.casefold()
    try:
        if found.is_dir():
            return Entry(found.name, "folder", 0, folded)
        size, is_file = found.stat().st_size, found.is_file()
    except OSError:  # a dangling link, or a file deleted meanwhile
        return Entry(found.name, "other", 0, folded)
    suffix = os.path.splitext(folded)[1]  # noqa: PTH122  100 000 paths take a second
    kind = "table" if suffix in TABLES else "image" if suffix in IMAGES else "other"
    return Entry(found.name, kind if is_file else "other", size, folded)


def _has_classes(folder: Path, folders: tuple[str, ...]) -> bool:
    if "train" in map(str.lower, folders) and len(_SPLITS & set(map(str.lower, folders))) > 1:
        return True
    looked_into = folders[:_FOLDERS]
    return len(folders) > 1 and any(_has_image(folder / name) for name in looked_into)


def _has_image(folder: Path) -> bool:
    try:
        with os.scandir(folder) as found:
            return any(_entry(each).kind == "image" for each in _first(found, _LOOKED_AT))
    except OSError:
        return False


def _first(found: Iterator[os.DirEntry[str]], count: int) -> Iterator[os.DirEntry[str]]:
    for _, each in zip(range(count), found, strict=False):
        yield each
