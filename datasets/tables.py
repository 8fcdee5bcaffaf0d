"""Tables of text: CSV files, packed or plain, and the ARFF files of OpenML."""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

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
    text = read_text(path)
    is_arff = re.search(r"^@data\s*$", text, re.IGNORECASE | re.MULTILINE)
    try:
        columns, numbered = _arff(text) if is_arff else _csv(text)
    except csv.Error as error:
        raise DataDamaged(f"{path} is no table: {error}.") from error
    columns = tuple(name or f"unnamed {place}" for place, name in enumerate(columns, start=1))
    if not columns or len(set(columns)) < len(columns):
        raise DataDamaged(f"{path} has no line of different column names at its top.")
    for line, row in numbered:
        if len(row) != len(columns):
            raise DataDamaged(
                f"{path}, line {line} has {len(row)} cells where there are {len(columns)} columns."
            )
    return Table(path, columns, [row for _, row in numbered], [line for line, _ in numbered])


def _csv(text: str) -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
    header = text.partition("\n")[0]
    separator = max(",;\t|", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    numbered = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    return (tuple(numbered[0][1]), numbered[1:]) if numbered else ((), [])


def _arff(text: str) -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
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
    return tuple(columns), numbered


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


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, packed with gzip or plain. Raises DataDamaged."""
    try:
        content = path.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        return content.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataDamaged(f"{path} can't be read: {error}.") from error
