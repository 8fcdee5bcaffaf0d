"""Encodes the columns of the user's table as inputs: numbers scaled, texts as 0 and 1.

Medians, means, standard deviations and the known texts are measured on the train rows.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from datasets.dataset import DataDamaged
from datasets.own.columns import MOST_NOTES, ColumnReport, column_notes, listed
from datasets.reading.cell_numbers import MARKS
from datasets.reading.number_encoders import parse_number, typed_values
from datasets.reading.progress import NO_REPORTS, ProgressReporter
from datasets.reading.tables import MISSING, Table

BLOCK, CELLS = 512, 2**19
"""How many columns of numbers, and how many of their cells, are read and scaled at once."""


@dataclass(frozen=True)
class Numbers:
    """A column of numbers, measured on the train rows; `decimal` is its decimal sign."""

    name: str
    median: float
    mean: float
    std: float
    decimal: str = "."

    def __post_init__(self) -> None:
        if not self.std > 0:
            raise ValueError(f"{self.name} needs a standard deviation above 0")

    @property
    def width(self) -> int:
        """How many inputs it becomes."""
        return 1


@dataclass(frozen=True)
class Texts:
    """A column of text, with the texts of the train rows. A missing text matches none of them."""

    name: str
    known: tuple[str, ...]

    @property
    def width(self) -> int:
        """How many inputs it becomes."""
        return len(self.known)


@dataclass(frozen=True)
class TableEncoder:
    """Turns rows of a table, or what the user types for one, into inputs."""

    columns: tuple[Numbers | Texts, ...]
    dtype: ClassVar = np.float32

    @functools.cached_property
    def width(self) -> int:
        """How many inputs a row has."""
        return sum(column.width for column in self.columns)

    @property
    def shape(self) -> tuple[int, ...]:
        """A sample's shape."""
        return (self.width,)

    def rows(self, table: Table, reporter: ProgressReporter = NO_REPORTS) -> np.ndarray:
        """The inputs of the rows of `table`, (N, width) float32. Raises DataDamaged."""
        inputs = np.zeros((len(table), self.width), np.float32)
        starts = np.cumsum([0, *(column.width for column in self.columns)])
        numbers = [
            (start, column)
            for start, column in zip(starts, self.columns, strict=False)
            if isinstance(column, Numbers)
        ]
        size = _block(table)
        for first in range(0, len(numbers), size):
            reporter.check()
            places, columns = zip(*numbers[first : first + size], strict=True)
            inputs[:, places] = _scaled(_matrix(table, columns), columns)
        for start, column in zip(starts, self.columns, strict=False):
            if isinstance(column, Texts):
                reporter.check()
                place_of = {text: start + place for place, text in enumerate(column.known)}
                for row, text in enumerate(table.texts(column.name)):
                    if text in place_of:
                        inputs[row, place_of[text]] = 1
        return inputs

    def __call__(self, text: str) -> np.ndarray:
        """The inputs of a row that the user typed, (width,) float32. Raises ValueError."""
        typed = typed_values(text, [column.name for column in self.columns])
        inputs: list[float] = []
        for column, cell in zip(self.columns, typed, strict=True):
            is_missing = cell in MISSING or (isinstance(column, Numbers) and cell.lower() in MARKS)
            if isinstance(column, Numbers):
                value = np.nan if is_missing else parse_number(cell, column.name)
                inputs += _scaled(np.array([[value]]), [column])[0].tolist()
                continue
            if cell not in column.known and not is_missing:
                raise ValueError(f"{column.name} is one of {', '.join(column.known)}, not {cell!r}")
            inputs += [float(cell == known) for known in column.known]
        return np.array(inputs, np.float32)

    @property
    def input_help(self) -> str:
        """What the user may type."""
        return f"{listed([column.name for column in self.columns], 40)} (? if unknown)"

    @property
    def scales(self) -> dict[str, tuple[float, float]]:
        """Mean and standard deviation of each column of numbers, by its name."""
        return {c.name: (c.mean, c.std) for c in self.columns if isinstance(c, Numbers)}


def _matrix(table: Table, columns: Sequence[Numbers | ColumnReport]) -> np.ndarray:
    names = [column.name for column in columns]
    return table.matrix(names, [column.decimal for column in columns])


def _scaled(values: np.ndarray, columns: Sequence[Numbers]) -> np.ndarray:
    """The numbers of `columns`, (N, len(columns)), missing ones filled, scaled, as float32."""
    median, mean, std = np.array([(c.median, c.mean, c.std) for c in columns]).T
    filled = np.where(np.isnan(values), median, values)
    return ((filled - mean) / std).astype(np.float32)


def _block(table: Table) -> int:
    """How many columns are read at once."""
    return max(1, min(BLOCK, CELLS // max(1, len(table))))


def learn_encoder(
    train: Table, reports: Sequence[ColumnReport], reporter: ProgressReporter = NO_REPORTS
) -> tuple[TableEncoder, list[str]]:
    """The encoder of the columns in `reports`, measured on the rows `train`, and notes.

    Raises DataDamaged with the line.
    """
    notes = column_notes(reports)
    used = [report for report in reports if report.kind != "left out"]
    if not used:
        raise DataDamaged(f"{train.path} has no column to learn from: {'; '.join(notes)}.")
    of_numbers = [report for report in used if report.kind == "number"]
    numbers = _numbers(train, of_numbers, reporter)
    encoder = TableEncoder(
        tuple(
            next(numbers) if report.kind == "number" else _texts(train, report.name)
            for report in used
        )
    )
    incomplete = {report.name for report in used if report.missing}
    filled = [c for c in encoder.columns if isinstance(c, Numbers) and c.name in incomplete]
    notes += [
        f"{column.name}: missing values are filled with {column.median:g}"
        for column in filled[:MOST_NOTES]
    ]
    if more := [column.name for column in filled[MOST_NOTES:]]:
        notes.append(f"missing values of {listed(more)} are filled with the column's median")
    return encoder, notes


def _texts(train: Table, name: str) -> Texts:
    return Texts(name, tuple(sorted({text for text in train.texts(name) if text})))


def _numbers(
    train: Table, reports: Sequence[ColumnReport], reporter: ProgressReporter
) -> Iterator[Numbers]:
    size = _block(train)
    for first in range(0, len(reports), size):
        reporter.advance(first, len(reports), "columns", action="measuring")
        block = reports[first : first + size]
        values = _matrix(train, block)
        median = np.nanmedian(values, axis=0)
        # Column by column in memory, so that one column's sums don't depend on the others.
        filled = np.asfortranarray(np.where(np.isnan(values), median, values))
        with np.errstate(over="ignore", invalid="ignore"):
            mean, std = filled.mean(axis=0), filled.std(axis=0)
        is_measured = np.isfinite(mean) & np.isfinite(std)
        if not is_measured.all():
            name = block[int(is_measured.argmin())].name
            raise DataDamaged(f"{train.path}, column {name!r} has numbers too large to be scaled.")
        std = np.where(std > 0, std, 1)
        for place, report in enumerate(block):
            of_column = (float(measured[place]) for measured in (median, mean, std))
            yield Numbers(report.name, *of_column, decimal=report.decimal)
