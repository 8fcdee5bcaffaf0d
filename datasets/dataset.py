"""Declares what a data set is: its title, its files, and the function that reads them.

The arrays it gives are in `reading/data.py`. Nothing here imports torch, so the data sets can be
listed before torch is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from datasets.reading.data import Data, DataDamaged, DataSpec, Encoder, Split, Task
from datasets.reading.progress import ProgressReporter

__all__ = [
    "Data",
    "DataDamaged",
    "DataSpec",
    "DataUnavailable",
    "Dataset",
    "Encoder",
    "RemoteFile",
    "Split",
    "Task",
    "UnknownDataset",
]


class DataUnavailable(Exception):
    """The data aren't on disk and no mirror has them. The text says what to do."""


class UnknownDataset(Exception):
    """No data set, or no column of it, has that name. The text names the nearest ones."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of a data set that is fetched.

    `name` is its name on disk. `urls` are its mirrors in the order they are tried; a file that the
    user has to put in place has none. `size` is in bytes. `checksum` is `md5:...` or `sha256:...`,
    or None where none is published: then `size` may be rough, and `check` reads a fetched file and
    raises DataDamaged. `aliases` are other paths, relative to the data set's folder in the user's
    `--data-dir`, where the same content may be, perhaps unpacked. `beginning` is how its text
    begins, where that distinguishes it from other files of the same name: then it is found in a
    folder of any name.
    """

    name: str
    urls: tuple[str, ...]
    size: int
    checksum: str | None
    aliases: tuple[str, ...] = ()
    check: Callable[[Path], object] = Path.stat
    beginning: bytes = b""


@dataclass(frozen=True)
class Dataset:
    """The declaration of a data set; `read` gives its data.

    `read` gets the path of each of `files` by its name; where these are missing, those of one of
    the `alternatives`, other files that hold the same data. It calls the ProgressReporter that it
    is given every few hundredths of a second. `name` is the stem of the data set's own Python file,
    with hyphens. `folders` are the names that the folder with its files may have, where that isn't
    `name`.
    """

    title: str
    description: str
    read: Callable[[Mapping[str, Path], ProgressReporter], Data]
    files: tuple[RemoteFile, ...] = ()
    alternatives: tuple[tuple[RemoteFile, ...], ...] = ()
    folders: tuple[str, ...] = ()
    name: str = ""

    @property
    def is_users(self) -> bool:
        """Whether it is the user's own file or folder, such as `csv:FILE`."""
        return ":" in self.name

    @property
    def size(self) -> int:
        """Size of the download in bytes; 0 for a data set that needs none."""
        return sum(file.size for file in self.files)

    @property
    def folder_names(self) -> tuple[str, ...]:
        """The names that a folder with its files may have; the first is used in the cache."""
        return self.folders or (self.name,)
