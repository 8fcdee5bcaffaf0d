"""Finds which columns of a table have decimal commas, by the rules in `cell_numbers.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from datasets.cell_numbers import read_number
from datasets.tables import Table

#: A point that may stand between thousands; one after a 0, or before other than three digits,
#: can't.
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}").fullmatch


def decimal_commas(table: Table) -> frozenset[str]:
    """The columns whose decimals follow a comma."""
    commas: set[str] = set()
    points = False
    undecided = []
    for name in table.columns:
        cells = table.texts(name)
        sign = _sign(cells) if "," in "".join(cells) else None
        if sign == ",":
            commas.add(name)
        elif sign == ".":
            points = True
        elif sign == "either":
            undecided.append(name)
    if not commas and not undecided:
        return frozenset()
    others = [name for name in table.columns if name not in commas and name not in undecided]
    pointed = [cells for name in others if (cells := _with_points(table.texts(name)))]
    points = points or any(not all(map(_EITHER, cells)) for cells in pointed)
    if table.separator == ";" if bool(commas) == points else bool(commas):
        commas.update(undecided)
    if commas and not points:
        for name in others:
            cells = _with_points(table.texts(name))
            if cells and all(map(_EITHER, cells)):
                commas.add(name)
    return frozenset(commas)


def _sign(cells: Sequence[str]) -> str | None:
    """The decimal sign of a column with commas, "either", or None where most are no numbers."""
    known = [cell for cell in cells if cell]
    readable = {s: sum(read_number(c, s) is not None for c in known) for s in (".", ",")}
    if max(readable.values()) <= len(known) / 2:
        return None
    if readable["."] == readable[","]:
        return "either"
    return max(readable, key=lambda sign: readable[sign])


def _with_points(cells: Sequence[str]) -> list[str]:
    """The cells with a decimal point, of a column that has mostly numbers; else none."""
    pointed = [cell for cell in cells if "." in cell]
    numbers = [cell for cell in pointed if read_number(cell) is not None]
    return pointed if pointed and len(numbers) > len(pointed) / 2 else []
