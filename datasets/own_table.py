"""A table of one's own as a data set: `csv:FILE` and the column that is to be predicted.

Numbers are shifted and scaled to mean 0 and standard deviation 1, a missing one is filled with the
median; texts become one input per different text, 1 where it applies. All of that is measured on
the rows to learn from, and a fifth is held out, of each class where the target has classes.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from datasets.dataset import (
    Data,
    DataDamaged,
    Dataset,
    DataSpec,
    DataUnavailable,
    Split,
    Task,
    UnknownDataset,
)
from datasets.encoding import Scale, number, typed_values
from datasets.own_target import read_target
from datasets.splitting import held_out
from datasets.tables import MISSING, Table, is_number, read_table

MOST_TEXTS = 20
"""A column with more different texts than this is a name or a number of a thing, and left out."""


def table_dataset(path: Path, target: str | None, task: Task | None) -> Dataset:
    """The data set in the file `path`, whose column `target` is to be predicted.

    `task` says what for; None goes by the column. Raises UnknownDataset, DataUnavailable,
    DataDamaged.
    """
    if not path.is_file():
        raise DataUnavailable(f"csv:{path}: there is no such file.")
    columns = read_table(path).columns
    if target not in columns:
        near = difflib.get_close_matches(target or "", columns, n=3) or columns
        wrong = f"has no column {target!r}" if target else "needs --target"
        raise UnknownDataset(f"csv:{path} {wrong}: which of {', '.join(near)} is to be predicted?")
    return Dataset(
        title=path.name,
        description=f"{target} from the other {len(columns) - 1} columns of {path}.",
        read=lambda _: read(path, target, task),
    )


@dataclass(frozen=True)
class Numbers:
    """A column of numbers, by what the train rows are like."""

    name: str
    median: float
    scale: Scale

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """`values` (N,) with NaN where one is missing, as (N, 1) float32."""
        return self.scale(np.where(np.isnan(values), self.median, values)[:, np.newaxis])

    def typed(self, text: str) -> np.ndarray:
        """One cell that a person typed. Raises ValueError."""
        return self(np.array([np.nan if text in MISSING else number(text, self.name)]))[0]


@dataclass(frozen=True)
class Texts:
    """A column of a few texts, by those that the train rows have; a missing one is none of them."""

    name: str
    known: tuple[str, ...]

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """`texts` (N,) as (N, len(known)) float32, 1 for the text that applies."""
        return np.array([[text == known for known in self.known] for text in texts], np.float32)

    def typed(self, text: str) -> np.ndarray:
        """One cell that a person typed. Raises ValueError."""
        if text not in self.known and text not in MISSING:
            raise ValueError(f"{self.name} is one of {', '.join(self.known)}, not {text!r}")
        return self([text])[0]


def read(path: Path, name: str, task: Task | None) -> Data:
    """The table with its column `name` as the target. Raises DataDamaged, naming the line."""
    table = read_table(path)
    target = read_target(table, name, task)
    table = table.where(target.given)
    test = held_out(target.labels)
    features, notes = _features(table, name, ~test)
    inputs = np.concatenate([feature(cells) for feature, cells in features], axis=1)
    columns = [feature for feature, _ in features]
    return Data(
        spec=DataSpec(inputs.shape[1:], target.task, target.classes),
        train=Split(inputs[~test], target.values[~test]),
        test=Split(inputs[test], target.values[test]) if test.any() else None,
        encode=partial(_encode, columns=columns),
        input_help=", ".join(column.name for column in columns) + " (? for what is unknown)",
        notes=(*target.notes, *notes),
    )


def _features(table: Table, target: str, train: np.ndarray) -> tuple[list, list[str]]:
    features: list[tuple[Numbers, np.ndarray] | tuple[Texts, list[str]]] = []
    notes = []
    for name in (column for column in table.columns if column != target):
        cells = table.texts(name)
        counts = Counter(
            cell for cell, learned in zip(cells, train, strict=True) if cell and learned
        )
        if name.lower() in ("id", "index") or name.startswith("unnamed "):
            notes.append(f"{name} is left out: the number of a row, which may give the answer away")
        elif len(counts) < 2:
            notes.append(f"{name} is left out: it is the same in all rows")
        elif _is_numeric(counts):
            values = table.numbers(name)
            median = float(np.nanmedian(values[train]))
            filled = np.where(np.isnan(values), median, values)[train]
            features.append((Numbers(name, median, Scale.of(filled[:, np.newaxis])), values))
            if missing := int(np.isnan(values).sum()):
                notes.append(f"{name}: {missing} missing values are filled with {median:g}")
        elif len(counts) > MOST_TEXTS:
            notes.append(f"{name} is left out: it has {len(counts)} different texts")
        else:
            features.append((Texts(name, tuple(sorted(counts))), cells))
    if not features:
        raise DataDamaged(f"{table.path} has nothing to learn from: {'; '.join(notes)}.")
    return features, notes


def _is_numeric(counts: Counter[str]) -> bool:
    """Whether most cells are numbers: then another is a mistake, which is named with its line."""
    numeric = sum(count for text, count in counts.items() if is_number(text))
    return numeric > counts.total() / 2


def _encode(text: str, columns: Sequence[Numbers | Texts]) -> np.ndarray:
    typed = typed_values(text, [column.name for column in columns])
    parts = [column.typed(value) for column, value in zip(columns, typed, strict=True)]
    return np.concatenate(parts).astype(np.float32)
