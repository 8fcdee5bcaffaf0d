"""Reads the ARFF files of OpenML."""

from __future__ import annotations

import re
from typing import TextIO


def is_arff(file: TextIO) -> bool:
    """Whether a text begins like an ARFF file; rewinds it to its beginning."""
    first = next((line for line in file if line.strip() and not line.startswith("%")), "")
    file.seek(0)
    return first.lower().startswith("@relation")


def read_arff(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names of the columns, and each row's line number and cells."""
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
