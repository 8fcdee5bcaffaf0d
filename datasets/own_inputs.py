"""The columns of a table of one's own as inputs: numbers scaled, texts as 0 and 1.

All that this needs to know (medians, means, standard deviations, known texts) is measured on the
rows to learn from.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from datasets.cell_numbers import MARKS
from datasets.dataset import DataDamaged
from datasets.encoding import number, typed_values
from datasets.own_columns import MOST_NOTES, ColumnReport, listed, notes_of
from datasets.tables import MISSING, Table


@dataclass(frozen=True)
class Numbers:
    """A column of numbers, by what the train rows are like; `decimal` is the sign before their
    decimals in the file.
    """

    name: str
    median: float
    mean: float
    std: float
    decimal: str = "."

    @property
    def width(self) -> int:
        """How many inputs it makes."""
        return 1


@dataclass(frozen=True)
class Texts:
    """A column of a few texts, by those that the train rows have; a missing one is none of them."""

    name: str
    known: tuple[str, ...]

    @property
    def width(self) -> int:
        """How many inputs it makes."""
        return len(self.known)


@dataclass(frozen=True)
class TableEncoder:
    """Turns rows of a table, or what the user types for one, into inputs."""

    columns: tuple[Numbers | Texts, ...]

    @functools.cached_property
    def width(self) -> int:
        """How many inputs a row has."""
        return sum(column.width for column in self.columns)

    def rows(self, table: Table) -> np.ndarray:
        """The inputs of the rows of `table`, (N, width) float32. Raises DataDamaged."""
        inputs = np.zeros((len(table), self.width), np.float32)
        start = 0
        for column in self.columns:
            if isinstance(column, Numbers):
                values = table.numbers(column.name, column.decimal)
                inputs[:, start] = _scaled(values, column)
            else:
                places = {text: start + place for place, text in enumerate(column.known)}
                for row, text in enumerate(table.texts(column.name)):
                    if text in places:
                        inputs[row, places[text]] = 1
            start += column.width
        return inputs

    def __call__(self, text: str) -> np.ndarray:
        """The inputs of a row that the user typed, (width,) float32. Raises ValueError."""
        typed = typed_values(text, [column.name for column in self.columns])
        inputs: list[float] = []
        for column, cell in zip(self.columns, typed, strict=True):
            is_missing = cell in MISSING or (isinstance(column, Numbers) and cell.lower() in MARKS)
            if isinstance(column, Numbers):
                value = np.nan if is_missing else number(cell, column.name)
                inputs += _scaled(np.array([value]), column).tolist()
                continue
            if cell not in column.known and not is_missing:
                raise ValueError(f"{column.name} is one of {', '.join(column.known)}, not {cell!r}")
            inputs += [float(cell == known) for known in column.known]
        return np.array(inputs, np.float32)

    @property
    def input_help(self) -> str:
        """What the user may type."""
        return f"{listed([column.name for column in self.columns], 40)} (? for what is unknown)"

    @property
    def scales(self) -> dict[str, tuple[float, float]]:
        """Mean and standard deviation of each column of numbers, by its name."""
        return {c.name: (c.mean, c.std) for c in self.columns if isinstance(c, Numbers)}


def _scaled(values: np.ndarray, column: Numbers) -> np.ndarray:
    filled = np.where(np.isnan(values), column.median, values)
    return ((filled - column.mean) / column.std).astype(np.float32)


def learn_encoder(train: Table, reports: Sequence[ColumnReport]) -> tuple[TableEncoder, list[str]]:
    """The encoder of the columns in `reports`, by the rows `train`, and notes on what was done.

    Raises DataDamaged, naming the line.
    """
    notes = notes_of(reports)
    used = [report for report in reports if report.kind != "left out"]
    if not used:
        raise DataDamaged(f"{train.path} has nothing to learn from: {'; '.join(notes)}.")
    columns: list[Numbers | Texts] = []
    filled: list[Numbers] = []
    for report in used:
        if report.kind == "text":
            texts = sorted({text for text in train.texts(report.name) if text})
            columns.append(Texts(report.name, tuple(texts)))
        else:
            columns.append(column := _numbers(train, report))
            if report.missing:
                filled.append(column)
    notes += [
        f"{column.name}: missing values are filled with {column.median:g}"
        for column in filled[:MOST_NOTES]
    ]
    if more := [column.name for column in filled[MOST_NOTES:]]:
        notes.append(f"missing values of {listed(more)} are filled with the column's median")
    return TableEncoder(tuple(columns)), notes


def _numbers(train: Table, report: ColumnReport) -> Numbers:
    values = train.numbers(report.name, report.decimal)
    median = float(np.nanmedian(values))
    # As a column, whose sums numpy forms one after the other.
    column = np.where(np.isnan(values), median, values)[:, np.newaxis]
    std = float(column.std(axis=0)[0])
    return Numbers(
        report.name, median, float(column.mean(axis=0)[0]), std if std > 0 else 1.0, report.decimal
    )
