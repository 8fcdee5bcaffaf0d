"""What a data set is: how it is described, and the arrays that reading it gives.

Nothing here knows of torch: data are numpy arrays, so that the list of data sets (bundled, on
disk, or how large to fetch) is there before torch is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from datasets.reading.progress import NO_REPORTS, ProgressReporter

_BLOCK = 1 << 24
"""Bytes that are hashed at once, which takes about a hundredth of a second."""

Task = Literal["regression", "binary", "multiclass"]

#: Turns a text that the user types into one sample. Raises ValueError with a sentence.
Encoder = Callable[[str], np.ndarray]


class DataUnavailable(Exception):
    """The data can't be had: not on disk and no mirror gave it. The text says what to do."""


class DataDamaged(Exception):
    """A data file is not what it should be. The text names the file and says what to do."""


class UnknownDataset(Exception):
    """There is no such data set, or column of it. The text names the nearest ones."""


@dataclass(frozen=True)
class DataSpec:
    """What a model has to know of the data it will see.

    `input_shape` is one sample's, without the batch; `classes` are the names of the classes in
    the order of their numbers (for a binary task: what 0 and 1 mean); `vocabulary` the symbols
    that integer inputs stand for.
    """

    input_shape: tuple[int, ...]
    task: Task
    classes: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()

    @property
    def outputs(self) -> int:
        """How many numbers a model gives for one sample: a logit per class, else one."""
        return len(self.classes) if self.task == "multiclass" else 1


@dataclass(frozen=True)
class Split:
    """Samples and what they should give, row by row.

    `inputs` is (N, *input_shape): uint8 for images, or uint16 for grey ones of 16 bits, float32 for
    measurements, int64 for symbols.
    `targets` is (N,) int64 for classes, or (N, length) where each symbol has one; (N, 1) float32
    for a regression or a binary task.
    """

    inputs: np.ndarray
    targets: np.ndarray

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.targets):
            raise ValueError(f"{len(self.inputs)} inputs but {len(self.targets)} targets")

    def __len__(self) -> int:
        return len(self.inputs)

    def subset(self, indices: np.ndarray) -> Split:
        """The rows `indices`, copied."""
        return Split(self.inputs[indices], self.targets[indices])


@dataclass(frozen=True)
class Data:
    """A data set that has been read.

    `mean` and `std` are what images are normalised with, after the division by `brightest`: one
    number, or one per channel; `scales` what each measured column was, by name: its mean and
    standard deviation.
    `notes` say, a sentence each, what was done to the data that one should know of.
    `encode` turns what a person types into one sample (input_shape), for a prediction;
    `input_help` says what that is. Without `test`, training is measured on the train set alone.
    """

    spec: DataSpec
    train: Split
    test: Split | None
    encode: Encoder
    input_help: str
    mean: float | tuple[float, ...] = 0.0
    std: float | tuple[float, ...] = 1.0
    notes: tuple[str, ...] = ()
    scales: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def brightest(self) -> int | None:
        """The largest value of a pixel: 255, or 65535; None for data that are no images."""
        dtype = self.train.inputs.dtype
        return int(np.iinfo(dtype).max) if dtype.kind == "u" else None

    def fingerprint(self, reporter: ProgressReporter = NO_REPORTS) -> str:
        """16 hex digits that change when any value of the data does."""
        digest = hashlib.sha256()
        for split in (self.train, self.test):
            if split is not None:
                for array in (split.inputs, split.targets):
                    digest.update(f"{array.dtype.str}{array.shape}".encode())
                    rows = max(1, _BLOCK // max(1, array[:1].nbytes))
                    for chunk in reporter.chunks(len(array), rows, "the data", action="checking"):
                        digest.update(np.ascontiguousarray(array[chunk]).data)
        return digest.hexdigest()[:16]


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
