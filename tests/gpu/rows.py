"""Writes rows to a file as they are found, reads them back, and makes the table of them."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.gpu.check import Row


def append_row(path: Path, check: str, row: Row, seconds: float) -> None:
    """Append a row of `check`, found after so many seconds, and wait until the disk has it."""
    values = {"check": check, **asdict(row), "seconds": round(seconds, 2)}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(values, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_rows(path: Path) -> list[dict[str, Any]]:
    """All rows so far; a line that a killed process left unfinished is no row."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text("utf-8", errors="replace").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def table_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as a table in Markdown."""
    lines = ["| check | what | result | verdict |", "|---|---|---|---|"]
    before = ""
    for row in rows:
        name = row["check"] if row["check"] != before else ""
        before = row["check"]
        cells = (name, row["what"], row["result"], row["verdict"])
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def summary_of(rows: Sequence[Mapping[str, Any]], seconds: float) -> str:
    """How many rows have each verdict, and the seconds of all checks."""
    counts = Counter(row["verdict"] for row in rows)
    counted = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    return f"{len(rows)} rows in {seconds:.0f} s: {counted or 'none'}.\n"
