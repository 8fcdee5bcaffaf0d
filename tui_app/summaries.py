"""Run folders in the words of a table."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.text import Text

from tui_app.following.run_table import RunRow
from tui_app.training.narrate import format_number, printable
from tui_app.training.runs import RunSummary
from tui_app.widgets.lecture_list import Trained

#: The columns of the table of runs: key and title.
COLUMNS = (
    ("age", f"{'age':>9}"),
    ("lecture", "lecture"),
    ("data", "data"),
    ("best", f"{'best':>8}"),
    ("epochs", "epochs"),
    ("state", "state"),
    ("differs", "settings of its own"),
    ("note", "note"),
)

_STATES = {"running": "green", "paused": "yellow", "failed": "red", "crashed": "red"}

#: The cells that the columns take whose texts can't be cut, with what is between them; that a name
#: of a lecture has at least, and a setting or a note at most.
_OTHERS = 58
_LECTURE, _LONGEST = 20, 40


def cells(row: RunRow, now: float, columns: int, *, marked: bool) -> list[Text]:
    """The cells of a run, for a table that shows `columns` columns at once."""
    run = row.summary
    best = "-" if run.best_value is None else format_number(run.metric, run.best_value)
    differs = " ".join(f"{name}={value}" for name, value in row.differs.items())
    texts = [
        f"{'●' if marked else ' '} {age(run.created, now) if run.created else '':>7}",
        _cut(lecture_of(row), max(_LECTURE, columns - _OTHERS)),
        run.dataset,
        f"{best:>8}",
        f"{run.epoch}/{run.epochs}",
        run.state,
        _cut(differs, _LONGEST),
        _cut(" ".join(row.note.split()), _LONGEST),
    ]
    drawn = [Text(printable(text)) for text in texts]
    drawn[5].stylize(_STATES.get(run.state, ""))
    if marked:
        drawn[0].stylize("bold cyan", 0, 1)
    return drawn


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def lecture_of(row: RunRow) -> str:
    """The lecture without what all have in common: `09 softmax classifier`."""
    name = row.summary.lecture or row.folder.path.parent.name
    return name.removeprefix("lecture_").replace("_", " ")


def matches(row: RunRow, sought: str) -> bool:
    """Whether every word of `sought` is somewhere in the row."""
    run = row.summary
    words = [row.folder.name, lecture_of(row), run.dataset, run.state, row.note]
    whole = " ".join([*words, *(f"{name}={value}" for name, value in row.settings.items())])
    return all(word in whole.casefold() for word in sought.casefold().split())


def ordered(rows: list[RunRow], column: str) -> list[RunRow]:
    """The rows by a column: the newest, the best, the farthest first, words as in a dictionary."""
    keys = {
        "age": lambda row: -row.summary.created,
        "lecture": lecture_of,
        "data": lambda row: row.summary.dataset,
        "best": _rank,
        "epochs": lambda row: -row.summary.epoch,
        "state": lambda row: row.summary.state,
        "differs": lambda row: " ".join(row.differs),
        "note": lambda row: (not row.note, row.note),
    }
    return sorted(rows, key=keys[column])


def _rank(row: RunRow) -> tuple[str, float]:
    run = row.summary
    if run.best_value is None:
        return run.metric or "~", float("inf")
    return run.metric, -run.best_value if run.metric.endswith("accuracy") else run.best_value


def best_by_lecture(summaries: Sequence[RunSummary]) -> dict[str, Trained]:
    """For each lecture how many runs it has, and the best result of those by the same metric as
    the newest.
    """
    by_lecture: dict[str, list[RunSummary]] = {}
    for summary in summaries:
        if summary.best_value is not None:
            by_lecture.setdefault(summary.lecture, []).append(summary)
    return {lecture: Trained(len(runs), best_of(runs)) for lecture, runs in by_lecture.items()}


def best_of(runs: Sequence[RunSummary]) -> str:
    """The best value among runs, as it is written."""
    metric = runs[-1].metric
    values = [run.best_value for run in runs if run.metric == metric and run.best_value is not None]
    best = max(values) if metric.endswith("accuracy") else min(values)
    return format_number(metric, best)


def age(created: float, now: float | None = None) -> str:
    """How long ago something was: `4 min`, `3 h`, `12 days`."""
    seconds = (time.time() if now is None else now) - created
    if seconds < 90:
        return "now"
    for size, unit, limit in ((60, "min", 90), (3600, "h", 36)):
        if seconds / size < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"
