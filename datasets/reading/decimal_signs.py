"""Finds which columns of a table have decimal commas, by the rules in `cell_numbers.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from datasets.reading.cell_numbers import read_number
from datasets.reading.progress import NO_REPORTS, ProgressReporter
from datasets.reading.tables import Table

#: A number whose point may separate thousands: after 1 to 3 digits (not 0), before exactly 3.
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}").fullmatch


def decimal_commas(table: Table, reporter: ProgressReporter = NO_REPORTS) -> frozenset[str]:
    """The columns with decimal commas."""
    commas: set[str] = set()
    others, undecided = [], []
    points = False
    for place, name in enumerate(table.columns):
        reporter.advance(place, len(table.columns), "columns", action="checking")
        cells = table.texts(name)
        sign = _sign(cells) if "," in "".join(cells) else None
        if sign == ",":
            commas.add(name)
        elif sign == "either":
            undecided.append(name)
        else:
            points = points or sign == "."
            others.append(name)
    if not commas and not undecided:
        return frozenset()
    either = []
    for place, name in enumerate(others):
        reporter.advance(place, len(others), "decimal points", action="checking", unit="columns")
        pointed = [cell for cell in table.texts(name) if "." in cell]
        if sum(read_number(cell) is not None for cell in pointed) > len(pointed) / 2:
            is_either = all(map(_EITHER, pointed))
            either += [name] if is_either else []
            points = points or not is_either
    by_separator = table.separator == ";"
    if by_separator if bool(commas) == points else commas:
        commas.update(undecided)
    if commas and not points:
        commas.update(either)
    return frozenset(commas)


def _sign(cells: Sequence[str]) -> str | None:
    """The decimal sign of a column with commas, or "either"; None where most aren't numbers."""
    known = [cell for cell in cells if cell]
    readable = {s: sum(read_number(c, s) is not None for c in known) for s in (".", ",")}
    if max(readable.values()) <= len(known) / 2:
        return None
    if readable["."] == readable[","]:
        return "either"
    return max(readable, key=lambda sign: readable[sign])
