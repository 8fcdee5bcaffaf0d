"""The columns of a table of one's own, as inputs: numbers scaled, texts as 0 and 1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from datasets.dataset import DataDamaged
from datasets.encoding import Scale, number
from datasets.tables import MISSING, Table, is_number

MOST_TEXTS = 20
"""A column with more different texts than this names or numbers its rows, and is left out."""


@dataclass(frozen=True)
class Numbers:
    """A column of numbers, by what the train rows are like."""

    name: str
    median: float
    scale: Scale
    width: int = 1

    def __call__(self, table: Table) -> np.ndarray:
        """The column of `table`, (N, 1) float32."""
        return self._scaled(table.numbers(self.name))

    def typed(self, text: str) -> np.ndarray:
        """One cell that a person typed, (1,) float32. Raises ValueError."""
        value = np.nan if text in MISSING else number(text, self.name)
        return self._scaled(np.array([value]))[0]

    def _scaled(self, values: np.ndarray) -> np.ndarray:
        return self.scale(np.where(np.isnan(values), self.median, values)[:, np.newaxis])


@dataclass(frozen=True)
class Texts:
    """A column of a few texts, by those that the train rows have; a missing one is none of them."""

    name: str
    known: tuple[str, ...]

    @property
    def width(self) -> int:
        """How many inputs it makes."""
        return len(self.known)

    def __call__(self, table: Table) -> np.ndarray:
        """The column of `table`, (N, width) float32, 1 for the text that applies."""
        return (np.array(table.texts(self.name))[:, np.newaxis] == np.array(self.known)).astype(
            np.float32
        )

    def typed(self, text: str) -> np.ndarray:
        """One cell that a person typed, (width,) float32. Raises ValueError."""
        if text not in self.known and text not in MISSING:
            raise ValueError(f"{self.name} is one of {', '.join(self.known)}, not {text!r}")
        return np.array([text == known for known in self.known], np.float32)


Column = Numbers | Texts


def learn_columns(train: Table, target: str) -> tuple[list[Column], list[str]]:
    """The columns beside `target`, by the rows `train`, and notes on what was done to them.

    Raises DataDamaged, naming the line.
    """
    columns: list[Column] = []
    notes: list[str] = []
    for name in (name for name in train.columns if name != target):
        counts = Counter(text for text in train.texts(name) if text)
        if name.lower() in ("id", "index") or name.startswith("unnamed "):
            notes.append(f"{name} is left out: the number of a row, which may give the answer away")
        elif len(counts) < 2:
            notes.append(f"{name} is left out: it has the same value everywhere")
        elif _is_numeric(counts):
            column = _numbers(train, name)
            columns.append(column)
            if counts.total() < len(train):
                notes.append(f"{name}: missing values are filled with {column.median:g}")
        elif len(counts) > MOST_TEXTS:
            notes.append(f"{name} is left out: it has {len(counts)} different texts")
        else:
            columns.append(Texts(name, tuple(sorted(counts))))
    if not columns:
        raise DataDamaged(f"{train.path} has nothing to learn from: {'; '.join(notes)}.")
    return columns, notes


def scales_of(columns: Sequence[Column]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each column of numbers, by its name."""
    scales: dict[str, tuple[float, float]] = {}
    for column in columns:
        if isinstance(column, Numbers):
            scales |= column.scale.by_name([column.name])
    return scales


def _numbers(train: Table, name: str) -> Numbers:
    values = train.numbers(name)
    median = float(np.nanmedian(values))
    return Numbers(
        name, median, Scale.of(np.where(np.isnan(values), median, values)[:, np.newaxis])
    )


def _is_numeric(counts: Counter[str]) -> bool:
    """Whether most cells are numbers: then another is a mistake, which is named with its line."""
    numeric = sum(count for text, count in counts.items() if is_number(text))
    return numeric > counts.total() / 2
