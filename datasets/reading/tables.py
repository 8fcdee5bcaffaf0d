"""Reads tables as text: CSV files, packed or plain, and the ARFF files of OpenML."""

from __future__ import annotations

import csv
import functools
import math
import operator
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

import numpy as np

from datasets.reading.arff import is_arff, read_arff
from datasets.reading.cell_numbers import MARKS, read_number
from datasets.reading.data import DataDamaged
from datasets.reading.progress import NO_REPORTS, ProgressReporter
from datasets.reading.text_files import open_text, text_size

MISSING = frozenset({"", "?", "NA", "N/A", "NaN", "nan", "null", "NULL"})
"""The contents of a cell without a value."""

CHARACTERS = 2**25
"""Characters, roughly, after which a chunk ends before it has all its rows."""

REPORTED = 2**17
"""Characters read between two progress reports."""


@dataclass(frozen=True)
class Table:
    """The rows of a file by column, with "" where a value is missing. `lines` has the line of the
    file that each row ends on; `separator` is the sign between the cells.
    """

    path: Path
    columns: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]
    separator: str = ","

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, chosen: np.ndarray) -> Table:
        """The rows that `chosen` (N,) bool selects."""
        rows = np.flatnonzero(chosen)
        return replace(
            self, rows=[self.rows[row] for row in rows], lines=[self.lines[row] for row in rows]
        )

    @functools.cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.columns)}

    def parts(self, rows: int) -> Iterator[Table]:
        """The table in parts of `rows` rows."""
        for start in range(0, len(self), rows):
            part = slice(start, start + rows)
            yield replace(self, rows=self.rows[part], lines=self.lines[part])

    def _place(self, column: str) -> int:
        place = self._places.get(column)
        if place is None:
            raise DataDamaged(f"{self.path} has no column {column!r}.")
        return place

    def texts(self, column: str) -> list[str]:
        """The cells of `column`, with "" where a value is missing. Raises DataDamaged."""
        return list(map(operator.itemgetter(self._place(column)), self.rows))

    def matrix(self, columns: Sequence[str], decimals: Sequence[str] = ()) -> np.ndarray:
        """The numbers of `columns`, (N, len(columns)) float64, NaN where one is missing. `decimals`
        has each column's decimal sign; without it all have points.

        Raises DataDamaged with the line of a cell that isn't a finite number.
        """
        places = [self._place(column) for column in columns]
        if places and set(decimals) <= {"."}:
            plain = self._plain(places)
            if plain is not None:
                return plain
        signs = decimals or ["."] * len(columns)
        numbers = [self.numbers(name, sign) for name, sign in zip(columns, signs, strict=True)]
        return np.stack(numbers, axis=1)

    def _plain(self, places: Sequence[int]) -> np.ndarray | None:
        """The numbers in `places` where all are in Python's notation, which is quick to read."""
        rows = [[row[place] or "nan" for place in places] for row in self.rows]
        if any("_" in "".join(row) for row in rows):  # which Python allows in a number
            return None
        try:
            values = np.array(rows, np.float64).reshape(len(rows), len(places))
        except ValueError:
            return None
        return None if np.isinf(values).any() else values

    def numbers(self, column: str, decimal: str = ".") -> np.ndarray:
        """The numbers of `column`, (N,) float64, as `matrix`."""
        if decimal == ".":
            plain = self._plain([self._place(column)])
            if plain is not None:
                return plain[:, 0]
        cells = self.texts(column)
        found = [_number(cell, decimal) for cell in cells]
        wrong = [row for row, value in enumerate(found) if value is None]
        if wrong:
            row = wrong[0]
            more = f", and neither are {len(wrong) - 1} more cells" if len(wrong) > 1 else ""
            raise DataDamaged(
                f"{self.path}, line {self.lines[row]}, column {column!r}: "
                f"{_shortened(cells[row])!r} is not a number{more}."
            )
        return np.array(found, np.float64)


def _number(cell: str, decimal: str) -> float | None:
    if not cell or cell.lower() in MARKS:
        return math.nan
    return read_number(cell, decimal)


def _shortened(cell: str) -> str:
    return cell if len(cell) <= 60 else f"{cell[:57]}..."


def read_table(path: Path) -> Table:
    """The table in an ARFF file, or in a CSV file whose first line names the columns.

    Raises DataDamaged with the file and the line.
    """
    chunks = list(read_chunks(path, None))
    rows = [row for chunk in chunks for row in chunk.rows]
    return replace(chunks[0], rows=rows, lines=[line for chunk in chunks for line in chunk.lines])


def read_chunks(
    path: Path, rows: int | None, reporter: ProgressReporter = NO_REPORTS
) -> Iterator[Table]:
    """Read the table in `path` in parts of `rows` rows, or of fewer with many characters. Yields at
    least one part; an ARFF file is read whole. Raises DataDamaged.
    """
    with open_text(path, reporter) as file:
        if is_arff(file):
            columns, numbered = read_arff(file.read())
            yield _table(path, columns, numbered, ",")
            return
        separator = _separator(file)
        numbered = _csv(file, separator)
        _, columns = next(numbered, (0, []))
        chunk: list[tuple[int, list[str]]] = []
        characters = reported = yielded = 0
        for line, row in numbered:
            chunk.append((line, row))
            characters += sum(map(len, row))
            if characters - reported > REPORTED:
                done = min(file.buffer.tell(), size := text_size(path))
                reporter.advance(done, size, path.name, unit="bytes")
                reported = characters
            if len(chunk) == rows or characters > CHARACTERS:
                yield _table(path, columns, chunk, separator)
                chunk, characters, reported, yielded = [], 0, 0, yielded + 1
        if chunk or not yielded:
            yield _table(path, columns, chunk, separator)


def _table(
    path: Path,
    columns: Sequence[str],
    numbered: Sequence[tuple[int, list[str]]],
    separator: str,
) -> Table:
    columns = tuple(name or f"unnamed {place}" for place, name in enumerate(columns, start=1))
    if not columns or len(set(columns)) < len(columns):
        raise DataDamaged(f"{path} doesn't begin with a line of column names, all different.")
    for line, row in numbered:
        if len(row) != len(columns):
            raise DataDamaged(
                f"{path}, line {line} has {len(row)} cells, but there are {len(columns)} columns."
            )
    lines = [line for line, _ in numbered]
    rows = [["" if cell in MISSING else cell for cell in row] for _, row in numbered]
    return Table(path, columns, rows, lines, separator)


def _separator(file: TextIO) -> str:
    """The most frequent sign between the names in the first line; rewinds the file."""
    unquoted = re.sub('"[^"]*"', "", file.readline())
    file.seek(0)
    return max(",;\t|", key=unquoted.count)


def _csv(file: TextIO, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(file, delimiter=separator, skipinitialspace=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, [cell.strip() for cell in row]
    except csv.Error as error:
        raise csv.Error(f"line {reader.line_num}: {error}") from error
