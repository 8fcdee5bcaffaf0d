"""Holds the arrays of a data set that has been read, and what a model needs to know of them.

They are numpy arrays: nothing here imports torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from datasets.reading.progress import NO_REPORTS, ProgressReporter

HASHED_BYTES = 1 << 24
"""Bytes hashed between two checks for a stop, about a hundredth of a second of work."""

Task = Literal["regression", "binary", "multiclass"]

#: Turns a text that the user types into one sample. Raises ValueError with a sentence.
Encoder = Callable[[str], np.ndarray]


class DataDamaged(Exception):
    """A data file is damaged, or a different file. The text names it and says what to do."""


@dataclass(frozen=True)
class DataSpec:
    """What a model needs to know of its data.

    `input_shape` is the shape of one sample, without the batch. `classes` are the names of the
    classes in the order of their numbers (for a binary task: of 0 and 1). `vocabulary` has the
    symbols that integer inputs stand for.
    """

    input_shape: tuple[int, ...]
    task: Task
    classes: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()

    @property
    def outputs(self) -> int:
        """How many numbers a model outputs for one sample: a logit per class, else one."""
        return len(self.classes) if self.task == "multiclass" else 1


@dataclass(frozen=True)
class Split:
    """Samples and their targets, row by row.

    `inputs` is (N, *input_shape): uint8 for images, uint16 for grey images of 16 bits, float32 for
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

    `mean` and `std` normalise images after the division by `brightest`: one number, or one per
    channel. `scales` has each measured column's mean and standard deviation before scaling, by
    name. `notes` tell the user, in a sentence each, what was done to the data. `encode` turns text
    that the user types into one sample (input_shape), for a prediction; `input_help` describes that
    text. Without `test`, the model is evaluated on the train set.
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
        """The largest value of a pixel: 255, or 65535; None for data that aren't images."""
        dtype = self.train.inputs.dtype
        return int(np.iinfo(dtype).max) if dtype.kind == "u" else None

    def fingerprint(self, reporter: ProgressReporter = NO_REPORTS) -> str:
        """16 hex digits that change when any value of the data does."""
        digest = hashlib.sha256()
        for split in (self.train, self.test):
            if split is not None:
                for array in (split.inputs, split.targets):
                    digest.update(f"{array.dtype.str}{array.shape}".encode())
                    rows = max(1, HASHED_BYTES // max(1, array[:1].nbytes))
                    for chunk in reporter.chunks(len(array), rows, "the data", action="checking"):
                        digest.update(np.ascontiguousarray(array[chunk]).data)
        return digest.hexdigest()[:16]
