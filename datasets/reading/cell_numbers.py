"""Parses the numbers in a table's cells, with decimal points or commas and separated thousands.

A number has a decimal point or a decimal comma. Its thousands may be separated by spaces,
apostrophes, or whichever of point and comma isn't the decimal sign. The rules for a column:

- A cell such as `3,5` or `1.234,5`, which is a number only with a decimal comma, gives the column
  decimal commas; `1,234,567` or `1,234.5` gives it decimal points.
- Where every comma of a column could be either (`1,234`), the other columns decide, and if they
  don't, the separator of the file: with `;` it is a decimal comma, else it separates thousands.
- Where every point of a column could separate thousands (`1.234`), points are decimal points,
  unless other columns have decimal commas and none has decimal points.

A run's notes name a cell that Python would read as a different number. `1_000`, `inf`, `²` and
`12%` are not numbers.
"""

from __future__ import annotations

import math
import re

MARKS = frozenset(
    {"-", "--", ".", "..", "none", "nan", "n/a", "na", "<na>", "#n/a", "null", "nil", "unknown"}
)
"""Words for a missing value in a column of numbers, upper or lower case."""

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
    """The finite number in `cell`, with `decimal` as the decimal sign; None if it has none."""
    if not _READABLE[decimal](cell):
        return None
    other = "," if decimal == "." else "."
    digits = re.sub(rf"[{other}'’\s]", "", cell)
    value = float(digits.replace(decimal, "."))
    return value if math.isfinite(value) else None


def is_number(cell: str) -> bool:
    """Whether `cell` is a finite number in Python's own notation."""
    return bool(_PLAIN(cell)) and math.isfinite(float(cell))


def whole_number(text: str) -> int | None:
    """The whole number in `text`, if it has at most 18 digits, else None."""
    return int(text) if _WHOLE(text) else None
