"""Reads the target of the user's table: a number, or one of several classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from datasets.dataset import DataDamaged, Task
from datasets.own.columns import listed
from datasets.reading.cell_numbers import is_number, read_number, whole_number
from datasets.reading.tables import Table

MOST_NUMBERED_CLASSES = 20
"""Whole numbers are classes if at most so many differ, with about `ROWS_PER_CLASS` rows each."""

ROWS_PER_CLASS = 5


@dataclass(frozen=True)
class Target:
    """The target of the rows that have one.

    `given` (all rows,) says which rows have one; `values` are (N, 1) float32 for a regression or a
    binary task, else (N,) int64; `labels` (N,) are the classes that the split is stratified by.
    """

    task: Task
    classes: tuple[str, ...]
    given: np.ndarray
    values: np.ndarray
    labels: np.ndarray
    notes: tuple[str, ...]


#: The lectures for a target that this lecture can't predict, by this lecture's task.
_OTHER_LECTURES = {
    "binary": "lecture 9 predicts one of several classes, lecture 5 a number",
    "multiclass": "lecture 5 predicts a number",
}


def read_target(table: Table, name: str, task: Task | None, decimal: str = ".") -> Target:
    """The column `name` as a target for `task`; with None, for the task that suits it. Equal
    numbers, such as 0, -0 and 0.0, are one class. Raises DataDamaged.
    """
    texts = table.texts(name)
    number_of = {text: read_number(text, decimal) for text in dict.fromkeys(texts) if text}
    same = {text: _as_written(text, n) for text, n in number_of.items() if n is not None}
    if is_numeric := len(same) == len(number_of):
        texts = [same.get(text, "") for text in texts]
    given = np.array([text != "" for text in texts], bool)
    known = [text for text in texts if text]
    different = sorted(set(known), key=lambda text: (float(text) if is_numeric else 0, text))
    where = f"{table.path}, column {name!r}"
    if len(different) < 2:
        raise DataDamaged(
            f"{where} has fewer than two different values: there is nothing to predict."
        )
    if task is None:
        task = _fitting_task(different, len(known), is_numeric)
    notes = _left_out(table, given, name)
    if task == "regression":
        if not is_numeric:
            row = next(row for row, text in enumerate(texts) if text and text not in same)
            raise DataDamaged(
                f"{where} has {texts[row]!r}, but the model predicts a number "
                f"(line {table.lines[row]})."
            )
        values = np.array([float(text) for text in known], np.float32)[:, np.newaxis]
        notes = (*notes, f"{name} is a number", *_unusual(name, same))
        return Target(task, (), given, values, np.zeros(len(known)), notes)
    if len(different) > len(known) / 2 or (task == "binary" and len(different) != 2):
        allowed = "two" if task == "binary" else f"at most {len(known) // 2}"
        raise DataDamaged(
            f"{where} has {len(different)} different values in {len(known)} rows, but this lecture "
            f"needs {allowed}: {_OTHER_LECTURES[task]}."
        )
    place = {text: number for number, text in enumerate(different)}
    labels = np.array([place[text] for text in known], np.int64)
    values = labels[:, np.newaxis].astype(np.float32) if task == "binary" else labels
    said = f"{name} has {len(different)} classes: {listed(different, 20)}"
    return Target(task, tuple(different), given, values, labels, (*notes, said))


def _unusual(name: str, same: Mapping[str, str]) -> Iterator[str]:
    """A note on the first number that Python would read differently, if there is one."""
    for text, written in same.items():
        if not (is_number(text) and f"{float(text) + 0.0:.12g}" == written):
            yield f"{name}: {text} is read as {written}"
            return


def _as_written(text: str, value: float) -> str:
    """The same text for all notations of a number; whole numbers keep all their digits."""
    whole = whole_number(text)
    return f"{value + 0.0:.12g}" if whole is None or abs(whole) < 10**12 else str(whole)


def _fitting_task(different: list[str], rows: int, numeric: bool) -> Task:
    whole = numeric and all(float(text).is_integer() for text in different)
    few = len(different) <= MOST_NUMBERED_CLASSES and rows >= ROWS_PER_CLASS * len(different)
    if numeric and not (whole and few):
        return "regression"
    return "binary" if len(different) == 2 else "multiclass"


def _left_out(table: Table, given: np.ndarray, name: str) -> tuple[str, ...]:
    lines = [str(line) for line, known in zip(table.lines, given, strict=True) if not known]
    if not lines:
        return ()
    shown = ", ".join(lines[:5]) + (", ..." if len(lines) > 5 else "")
    return (f"{len(lines)} rows without {name} are left out (line {shown})",)
