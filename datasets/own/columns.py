"""Decides what each column of the user's table is (numbers, text or left out) and says why.

A column of numbers is one input, a column of text one input for each different text. Left out are:

- identifiers: a column called `id` or `index`, or without a name; a column with a different text in
  each row; whole numbers, different in every row, whose range is no larger than the number of rows
  (unless the name is one of a time, or no other input is left); a column with a different number in
  each row whose name ends with the word `id`;
- a column with the same value in every row;
- a column with more than 20 different texts.

A column of numbers may have cells that aren't numbers. One such cell, or one in twenty, is a
mistake, and reading the column raises an error with its line. With more, all of it is text.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from datasets.reading.cell_numbers import MARKS, is_number, read_number, whole_number
from datasets.reading.decimal_signs import decimal_commas
from datasets.reading.progress import NO_REPORTS, ProgressReporter
from datasets.reading.tables import Table

MOST_TEXTS = 20
"""A column with more different texts than this is left out."""

MISTAKES = 0.05
"""The largest share of a number column's cells that may be mistakes."""

EXAMPLES = 4

_ROWS = frozenset({"id", "index", "序号", "编号"})
_KEYS = frozenset({"id", "uuid", "guid", "key"})
_TIMES = frozenset(
    {"year", "month", "week", "day", "date", "hour", "minute", "second", "time", "年", "月", "日"}
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_a-zA-Z]+")


@dataclass(frozen=True)
class ColumnReport:
    """What a column is, and why (`reason`, a clause that follows the column's name).

    `examples` are a few different cells, `distinct` is the number of different cells, `missing` the
    number of cells without a value. `width` is how many inputs the column becomes, `decimal` its
    decimal sign. `note` tells how a number is read where Python would read it differently.
    """

    name: str
    kind: Literal["number", "text", "left out"]
    reason: str
    examples: tuple[str, ...] = ()
    distinct: int = 0
    missing: int = 0
    width: int = 0
    decimal: str = "."
    note: str = ""


def describe_columns(
    table: Table,
    target: str = "",
    *,
    used: Sequence[str] | None = None,
    named: Collection[str] = (),
    rows: int = 0,
    commas: Collection[str] | None = None,
    reporter: ProgressReporter = NO_REPORTS,
) -> tuple[ColumnReport, ...]:
    """Describe each column of `table`, in their order, by the rows that it has.

    With `used`, only these columns are described. `target` is the column to predict. Columns that
    the user has `named` are used even if they are identifiers. `rows` is the number of rows in the
    file, where `table` has only some. `commas` has the columns with decimal commas, if known.
    """
    commas = decimal_commas(table, reporter) if commas is None else commas
    names = table.columns if used is None else used
    everything = []
    for place, name in enumerate(names):
        reporter.advance(place, len(names), "columns", action="describing")
        sign = "," if name in commas else "."
        everything.append(_report(name, table.texts(name), sign, rows or len(table)))
    if named:
        everything = [_used(report) if report.name in named else report for report in everything]
    inputs = [report for report in everything if report.name != target]
    # Without a target, one of the columns will become it.
    if sum(report.width > 0 for report in inputs if report.reason != _COUNTS) < 2 - bool(target):
        everything = [_used(r) if r.reason == _COUNTS else r for r in everything]
    return tuple(everything)


_COUNTS = "it is an identifier: its whole numbers count the rows"
_NUMBERS_ROWS = "it is the number of the row, which may give the target away"
_NAMES_ROWS = "it is an identifier, a different one in each row"
_ALL_NUMBERS = "its cells are numbers"


def _used(report: ColumnReport) -> ColumnReport:
    """The report of an identifier that is used as an input after all."""
    if report.reason not in (_COUNTS, _NUMBERS_ROWS, _NAMES_ROWS):
        return report
    if all(read_number(cell, report.decimal) is not None for cell in report.examples):
        return replace(report, kind="number", reason=_ALL_NUMBERS, width=1)
    if report.distinct > MOST_TEXTS:
        return replace(report, reason=f"it has {report.distinct} different texts")
    return replace(report, kind="text", reason=_texts(report.distinct), width=report.distinct)


def _report(name: str, cells: Sequence[str], decimal: str, rows: int) -> ColumnReport:
    counts = Counter(cell for cell in cells if cell)
    report = ColumnReport(
        name,
        "left out",
        "",
        tuple(counts)[:EXAMPLES],
        distinct=len(counts),
        missing=len(cells) - counts.total(),
        decimal=decimal,
    )
    if name.lower() in _ROWS or name.startswith("unnamed "):
        return replace(report, reason=_NUMBERS_ROWS)
    if len(counts) < 2:
        same = "it has the same value in every row" if counts else "it has no values"
        return replace(report, reason=same)
    is_unique = len(counts) == counts.total() > 2
    if decimal == "." and _all_plain(counts):
        return _of_numbers(report, counts, rows, is_unique=is_unique)
    unknown = sum(count for cell, count in counts.items() if cell.lower() in MARKS)
    odd = [cell for cell in counts if not _is_number(cell, decimal) and cell.lower() not in MARKS]
    others = sum(counts[cell] for cell in odd)
    numbers = counts.total() - unknown - others
    if numbers > others and others <= max(1, MISTAKES * (numbers + others)):
        report = replace(
            _of_numbers(report, counts, rows, is_unique=is_unique and not odd),
            missing=report.missing + unknown,
            note=_reading(name, counts, decimal),
        )
        if not odd:
            return report
        more = f" and {len(odd) - 1} more" if len(odd) > 1 else ""
        return replace(report, reason=f"all its cells are numbers, except {odd[0]!r}{more}")
    share = round(100 * numbers / counts.total())
    mixed = f", and {share} % of its cells are numbers" if numbers > others else ""
    if is_unique:
        return replace(report, reason=_NAMES_ROWS)
    if len(counts) > MOST_TEXTS:
        return replace(report, reason=f"it has {len(counts)} different texts{mixed}")
    return replace(report, kind="text", reason=_texts(len(counts)) + mixed, width=len(counts))


def _of_numbers(
    report: ColumnReport, counts: Counter[str], rows: int, *, is_unique: bool
) -> ColumnReport:
    """The report of a column of numbers, which may be an identifier if each cell `is_unique`."""
    words = [word.lower() for word in _WORD.findall(report.name)]
    if is_unique and words and words[-1] in _KEYS:
        return replace(report, reason=_NAMES_ROWS)
    if is_unique and not _TIMES.intersection(words) and _count(counts, rows):
        return replace(report, reason=_COUNTS)
    return replace(report, kind="number", reason=_ALL_NUMBERS, width=1)


def _reading(name: str, counts: Counter[str], decimal: str) -> str:
    """A note on the first number that Python would read differently; empty if there is none."""
    for cell in counts:
        value = read_number(cell, decimal)
        if value is not None and not (is_number(cell) and float(cell) == value):
            return f"{name}: {cell} is read as {value:.12g}"
    return ""


def _all_plain(counts: Counter[str]) -> bool:
    """Whether all cells are numbers in Python's notation. Quick, as most columns are."""
    try:
        return all(map(math.isfinite, map(float, counts))) and "_" not in "".join(counts)
    except ValueError:
        return False


def _count(counts: Counter[str], rows: int) -> bool:
    """Whether the cells are whole numbers whose range is no larger than the number of rows."""
    values = [whole_number(cell) for cell in counts]
    known = [value for value in values if value is not None]
    return len(known) == len(values) and max(known) - min(known) < rows


def _is_number(cell: str, decimal: str) -> bool:
    return read_number(cell, decimal) is not None


def _texts(count: int) -> str:
    return f"it has {count} different texts"


def column_notes(reports: Sequence[ColumnReport]) -> list[str]:
    """Notes on the columns for the user, a sentence each; columns after the first few share one."""
    left_out = [report for report in reports if report.kind == "left out"]
    notes = [f"{report.name} is left out: {report.reason}" for report in left_out[:MOST_NOTES]]
    if more := left_out[MOST_NOTES:]:
        notes.append(f"{len(more)} more columns are left out: {listed([r.name for r in more])}")
    unusual = [report.note for report in reports if report.note]
    notes += unusual[:MOST_NOTES]
    if len(unusual) > MOST_NOTES:
        notes.append(f"{len(unusual) - MOST_NOTES} more columns are read so")
    mixed = [r for r in reports if r.kind == "text" and "%" in r.reason]
    notes += [f"{report.name} is text: {report.reason}" for report in mixed[:MOST_NOTES]]
    return notes


MOST_NOTES = 8
"""How many columns get a note each."""


def listed(names: Sequence[str], most: int = 8) -> str:
    """The first `most` names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
