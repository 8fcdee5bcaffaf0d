"""Tables of text: CSV files, packed or plain, and the ARFF files of OpenML."""

from __future__ import annotations

import csv
import gzip
import itertools
import math
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO, cast

import numpy as np

from datasets.dataset import DataDamaged

MISSING = frozenset({"", "?", "NA", "N/A", "NaN", "nan", "null", "NULL"})
"""What stands in a cell without a value."""


@dataclass(frozen=True)
class Table:
    """The rows of a file by column; `lines` says on which line of the file each row ends."""

    path: Path
    columns: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, chosen: np.ndarray) -> Table:
        """The rows that `chosen` (N,) bool picks."""
        rows = np.flatnonzero(chosen)
        return replace(
            self, rows=[self.rows[row] for row in rows], lines=[self.lines[row] for row in rows]
        )

    def texts(self, column: str) -> list[str]:
        """The cells of `column`, with "" where a value is missing. Raises DataDamaged."""
        if column not in self.columns:
            raise DataDamaged(f"{self.path} has no column {column!r}.")
        place = self.columns.index(column)
        return ["" if row[place] in MISSING else row[place] for row in self.rows]

    def matrix(self, columns: Sequence[str]) -> np.ndarray:
        """The numbers of `columns`, (N, len(columns)) float64, as `numbers`."""
        return np.stack([self.numbers(column) for column in columns], axis=1)

    def numbers(self, column: str) -> np.ndarray:
        """The numbers of `column`, (N,) float64, NaN where one is missing.

        Raises DataDamaged, naming the line of a cell that is no finite number.
        """
        cells = [cell or "nan" for cell in self.texts(column)]
        try:
            values = np.array(cells, np.float64)
        except ValueError:
            known = [cell == "nan" or is_number(cell) for cell in cells]
            values = np.array(
                [float(cell) if ok else math.inf for cell, ok in zip(cells, known, strict=True)]
            )
        for row in np.flatnonzero(np.isinf(values)):
            raise DataDamaged(
                f"{self.path}, line {self.lines[row]}, column {column!r}: "
                f"{cells[row]!r} is no number."
            )
        return values


def is_number(cell: str) -> bool:
    """Whether `cell` stands for a finite number."""
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def read_table(path: Path) -> Table:
    """The table in an ARFF file, or in a CSV file whose first line names the columns.

    Raises DataDamaged, naming the file and the line.
    """
    return next(read_chunks(path, None))


def read_chunks(path: Path, rows: int | None) -> Iterator[Table]:
    """The table in `path` in parts of `rows` rows; an ARFF file comes whole. Raises DataDamaged."""
    with opened(path) as file:
        if _is_arff(file):
            yield _table(path, *_arff(file.read()))
            return
        numbered = _csv(file)
        _, columns = next(numbered, (0, []))
        while True:
            chunk = list(itertools.islice(numbered, rows))
            yield _table(path, columns, chunk)
            if rows is None or len(chunk) < rows:
                return


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """A UTF-8 text file, packed with gzip or plain. What can't be read of it is DataDamaged."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with (gzip.open if packed else open)(path, "rt", encoding="utf-8-sig", newline="") as text:
            yield cast("TextIO", text)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise DataDamaged(f"{path} can't be read: {error}.") from error


def _table(path: Path, columns: Sequence[str], numbered: Sequence[tuple[int, list[str]]]) -> Table:
    columns = tuple(name or f"unnamed {place}" for place, name in enumerate(columns, start=1))
    if not columns or len(set(columns)) < len(columns):
        raise DataDamaged(f"{path} has no line of different column names at its top.")
    for line, row in numbered:
        if len(row) != len(columns):
            raise DataDamaged(
                f"{path}, line {line} has {len(row)} cells where there are {len(columns)} columns."
            )
    return Table(path, columns, [row for _, row in numbered], [line for line, _ in numbered])


def _csv(file: TextIO) -> Iterator[tuple[int, list[str]]]:
    separator = max(",;\t|", key=file.readline().count)
    file.seek(0)
    reader = csv.reader(file, delimiter=separator, skipinitialspace=True)
    for row in reader:
        if row:
            yield reader.line_num, [cell.strip() for cell in row]


def _is_arff(file: TextIO) -> bool:
    first = next((line for line in file if line.strip() and not line.startswith("%")), "")
    file.seek(0)
    return first.lower().startswith("@relation")


def _arff(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    columns: list[str] = []
    numbered: list[tuple[int, list[str]]] = []
    in_data = False
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if not line or line.startswith("%"):
            continue
        if in_data:
            numbered.append((number, _arff_cells(line)))
        elif declared := re.match(r"@attribute\s+(.*)", line, re.IGNORECASE):
            name = re.match(f"{_QUOTED}|\\S+", declared[1])
            columns.append(_unquoted(name[0]) if name else "")
        in_data = in_data or line.lower() == "@data"
    return columns, numbered


_QUOTED = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
_CELL = re.compile(rf"\s*({_QUOTED}|[^,]*?)\s*(?:,|$)")


def _arff_cells(line: str) -> list[str]:
    if '"' not in line and "'" not in line:
        return [cell.strip() for cell in line.split(",")]
    # The pattern also matches the nothing after the last cell.
    return [_unquoted(cell) for cell in _CELL.findall(line)][
        : -1 if not line.endswith(",") else None
    ]


def _unquoted(cell: str) -> str:
    if len(cell) > 1 and cell[0] == cell[-1] and cell[0] in "\"'":
        return re.sub(r"\\(.)", r"\1", cell[1:-1])
    return cell
