"""What a data set is: how it is described, and the files it is read from.

Nothing here imports torch, so that the list of data sets (bundled, on disk, or how large to fetch)
is there before torch is.
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
    """The data can't be had: not on disk and no mirror gave it. The text says what to do."""


class UnknownDataset(Exception):
    """There is no such data set, or column of it. The text names the nearest ones."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of a data set that is fetched.

    `name` is what it is called on disk; `urls` are its mirrors, the first tried first (none for a
    file that can only be put in place by hand); `size` is in bytes. `checksum` is `md5:...` or
    `sha256:...`, or None where nobody publishes one: then `size` may be rough, and `check` looks
    into a fetched file and raises DataDamaged. `aliases` are other paths, relative to the data
    set's folder in a folder of the user's, at which the same content may lie, perhaps unpacked.
    `beginning` is how its text begins, where that tells it from other files of the name: then it is
    found in a folder of any name.
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
    """A data set as it is listed; `read` gives its data.

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
        """Whether it is a file or folder of the user's, such as `csv:FILE`."""
        return ":" in self.name

    @property
    def size(self) -> int:
        """Bytes to fetch; 0 for a data set that needs no download."""
        return sum(file.size for file in self.files)

    @property
    def folder_names(self) -> tuple[str, ...]:
        """What a folder with its files may be called, the one in the cache first."""
        return self.folders or (self.name,)
