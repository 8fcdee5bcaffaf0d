"""The numbers that cells of a table stand for, in the notations that files are written in.

A number has a decimal point or a decimal comma, and may have signs between its thousands: spaces,
apostrophes, or the other of point and comma. These are the rules, by column:

- A cell such as `3,5` or `1.234,5`, which is a number with a decimal comma alone, makes the column
  one with decimal commas; `1,234,567` or `1,234.5` makes it one with decimal points.
- Where all commas of a column may be either (`1,234`), the other columns decide, or else the
  separator of the file: a decimal comma where it is `;`, and otherwise a sign between thousands.
- Where all points of a column may be signs between thousands (`1.234`), they are decimal points,
  unless other columns have decimal commas and none has decimal points.

A run's notes say how a cell is read that Python would read otherwise. `1_000`, `inf`, `²` and `12%`
are no numbers.
"""

from __future__ import annotations

import math
import re

MARKS = frozenset(
    {"-", "--", ".", "..", "none", "nan", "n/a", "na", "<na>", "#n/a", "null", "nil", "unknown"}
)
"""What stands in a column of numbers, in any case, for a value that isn't known."""

_BETWEEN = {".": r"[,'’ \u00a0\u2009\u202f]", ",": r"[.'’ \u00a0\u2009\u202f]"}
_READABLE = {
    sign: re.compile(
        rf"[+-]?(?:[1-9]\d{{0,2}}(?P<sign>{between})\d{{3}}(?:(?P=sign)\d{{3}})*(?:{re.escape(sign)}\d*)?"
        rf"|\d+(?:{re.escape(sign)}\d*)?|{re.escape(sign)}\d+)(?:[eE][+-]?\d+)?"
    ).fullmatch
    for sign, between in _BETWEEN.items()
}
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?").fullmatch
_WHOLE = re.compile(r"[+-]?\d{1,18}").fullmatch


def read_number(cell: str, decimal: str = ".") -> float | None:
    """The finite number that `cell` stands for where `decimal` is the decimal sign, else None."""
    if not _READABLE[decimal](cell):
        return None
    other = "," if decimal == "." else "."
    digits = re.sub(rf"[{other}'’\s]", "", cell)
    value = float(digits.replace(decimal, "."))
    return value if math.isfinite(value) else None


def is_number(cell: str) -> bool:
    """Whether `cell` stands for a finite number, written as Python would write it."""
    return bool(_PLAIN(cell)) and math.isfinite(float(cell))


def whole_number(text: str) -> int | None:
    """The whole number that `text` stands for, of 18 digits or fewer, else None."""
    return int(text) if _WHOLE(text) else None
