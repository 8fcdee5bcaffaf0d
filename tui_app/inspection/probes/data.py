"""Summarises the data: sizes, classes, ranges before and after normalisation, a batch's shapes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from datasets import Data, Split
from tui_app.inspection.probe_context import ProbeContext, evenly_spaced_rows
from tui_app.training.data.device_split import DeviceSplit

#: Samples to show, and samples to compute ranges from.
_SAMPLES, _READ = 48, 2000


@dataclass(frozen=True)
class ValueRange:
    """Lowest, highest, mean and standard deviation of the values."""

    low: float
    high: float
    mean: float
    std: float


@dataclass(frozen=True)
class DataSummary:
    """`counts` are samples per class, by split, (classes,). `before` and `after` are the ranges
    before and after normalisation.

    `samples` (n, ...) are as in the data set; `labels` are their targets as text.
    """

    name: str
    task: str
    sizes: tuple[tuple[str, int], ...]
    classes: tuple[str, ...]
    counts: tuple[tuple[str, np.ndarray], ...]
    before: ValueRange
    after: ValueRange
    input_type: str
    batch: tuple[tuple[int, ...], str, tuple[int, ...], str]
    samples: np.ndarray
    labels: tuple[str, ...]
    vocabulary: tuple[str, ...]
    notes: tuple[str, ...]


def probe(context: ProbeContext, query: str) -> DataSummary:
    """The summary of the run's data."""
    splits = {"train": context.train}
    if context.measured == "validation":
        splits["validation"] = context.split
    if context.data.test is not None:
        splits["test"] = context.data.test
    return summarise(context.settings.dataset, context.data, splits, context.batch_size)


def summarise(name: str, data: Data, splits: dict[str, Split], batch_size: int) -> DataSummary:
    """The summary of data, for which no model is needed."""
    train = splits["train"]
    device = DeviceSplit.of(
        train.subset(evenly_spaced_rows(train, _READ)), data, torch.device("cpu")
    )
    inputs, targets = next(device.chunks(_READ))
    chosen = evenly_spaced_rows(train, _SAMPLES)
    return DataSummary(
        name=name,
        task=data.spec.task,
        sizes=tuple((split, len(rows)) for split, rows in splits.items()),
        classes=data.spec.classes,
        counts=tuple((split, _counts(rows, data)) for split, rows in splits.items()),
        before=_range(train.inputs),
        after=_range(inputs.numpy()),
        input_type=str(train.inputs.dtype),
        batch=(
            (batch_size, *inputs.shape[1:]),
            str(inputs.dtype).removeprefix("torch."),
            (batch_size, *targets.shape[1:]),
            str(targets.dtype).removeprefix("torch."),
        ),
        samples=train.inputs[chosen],
        labels=tuple(_label(target, data) for target in train.targets[chosen]),
        vocabulary=data.spec.vocabulary,
        notes=data.notes,
    )


def _counts(split: Split, data: Data) -> np.ndarray:
    if data.spec.task == "regression":
        return np.zeros(0, np.int64)
    numbers = split.targets.reshape(-1).astype(np.int64)
    return np.bincount(numbers, minlength=len(data.spec.classes))


def _range(values: np.ndarray) -> ValueRange:
    numbers = values.astype(np.float64)
    return ValueRange(
        float(numbers.min()), float(numbers.max()), float(numbers.mean()), float(numbers.std())
    )


def _label(target: np.ndarray, data: Data) -> str:
    if data.spec.task == "regression":
        return f"{float(target.reshape(-1)[0]):.4g}"
    return "".join(data.spec.classes[int(i)] for i in np.asarray(target).reshape(-1))
