"""Formats run folders for the table of runs and the list of lectures."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from datasets.own.names import short_name
from tui_app.runs.listing import RunSummary
from tui_app.runs.run_table import RunRow
from tui_app.text.cells import cut
from tui_app.text.escaping import printable
from tui_app.text.quantities import format_short, short_count

#: The columns of the table of runs: key and title.
COLUMNS = (
    ("age", "age"),
    ("lecture", "lecture"),
    ("data", "data"),
    ("best", "best"),
    ("epochs", "epochs"),
    ("state", "state"),
    ("differs", "changed settings"),
    ("note", "note"),
)

_STATES = {"running": "green", "paused": "yellow", "failed": "red", "crashed": "red"}

#: The widths of columns with a fixed width.
_FIXED = {"age": 9, "best": 12, "epochs": 9, "state": 9}

#: The least and greatest widths of the other columns, and the gap between two columns.
_LECTURE, _DATA, _DIFFERS, _NOTE = (12, 27), (8, 13), (16, 60), (12, 60)
_BETWEEN = 2

#: The columns whose texts are aligned to the right.
_RIGHT = ("age", "best")


def widths(columns: int) -> dict[str, int]:
    """Choose the columns of the table that fit in `columns` cells: by key, the width of each.

    Changed settings and notes are dropped first, then the data set.
    """
    chosen = dict(_FIXED)
    room = columns - sum(width + _BETWEEN for width in chosen.values())
    with_data = room >= _LECTURE[0] + _DATA[0] + 2 * _BETWEEN
    if with_data:
        chosen["data"] = min(_DATA[1], room - _LECTURE[0] - 2 * _BETWEEN)
        room -= chosen["data"] + _BETWEEN
    chosen["lecture"] = max(1, min(_LECTURE[1], room - _BETWEEN))
    room -= chosen["lecture"] + _BETWEEN
    if with_data and room >= _DIFFERS[0] + _BETWEEN:
        with_note = room >= _DIFFERS[0] + _NOTE[0] + 2 * _BETWEEN
        share = room * 3 // 5 if with_note else room
        chosen["differs"] = min(_DIFFERS[1], max(_DIFFERS[0], share - _BETWEEN))
        room -= chosen["differs"] + _BETWEEN
        if with_note:
            chosen["note"] = min(_NOTE[1], room - _BETWEEN)
    return {key: chosen[key] for key, _ in COLUMNS if key in chosen}


def title_of(key: str, width: int) -> str:
    """Format the heading of a column."""
    title = dict(COLUMNS)[key]
    return f"{title:>{width}}" if key in _RIGHT else title


def cells(row: RunRow, now: float, chosen: Mapping[str, int], *, marked: bool) -> list[Text]:
    """Format the cells of a run in the columns that `widths` chose; cut text ends in …"""
    run = row.summary
    texts = {
        "age": f"{age(run.created, now) if run.created else '':>7}",
        "lecture": lecture_of(row),
        "data": short_name(run.dataset),
        "best": best_in_short(run),
        "epochs": f"{short_count(run.epoch)}/{short_count(run.epochs)}",
        "state": run.shown_state,
        "differs": " ".join(f"{name}={value}" for name, value in row.differs.items()),
        "note": " ".join(row.note.split()),
    }
    drawn = {
        key: cut(Text(f"{printable(texts[key]):>{width if key in _RIGHT else 0}}"), width)
        for key, width in chosen.items()
    }
    drawn["state"].stylize(_STATES.get(run.shown_state, ""))
    if marked:
        drawn["age"] = Text("●", "bold cyan").append(Text(drawn["age"].plain[1:], "none"))
    return list(drawn.values())


def best_in_short(run: RunSummary) -> str:
    """Format the best value of a run: an accuracy as `97.50 %`, or `loss 0.1396`."""
    return "-" if run.best_value is None else format_short(run.metric, run.best_value)


def about(row: RunRow, width: int) -> Text:
    """Format in four lines what the table has no room for: the run's name, why it ended, and its
    changed settings and note.
    """
    settings = "  ".join(f"{name}={value}" for name, value in row.differs.items())
    lines = [
        Text(row.folder.name, "bold"),
        Text(row.summary.problem or row.summary.reason or _job_of(row.summary)),
        Text(settings or _settings_elsewhere(row.summary)),
        Text(" ".join(row.note.split()), "italic"),
    ]
    if row.note:
        lines[-1] = Text("note: ", "dim italic").append(lines[-1])
    return Text("\n").join(cut(_printable(line), width) for line in lines)


def _settings_elsewhere(run: RunSummary) -> str:
    return "All settings at the lecture's defaults" if run.has_begun else "job.sh has its settings"


def _job_of(run: RunSummary) -> str:
    return f"Job {run.job} of the cluster trains it" * bool(run.job)


def _printable(text: Text) -> Text:
    return text if text.plain == printable(text.plain) else Text(printable(text.plain), text.style)


def lecture_of(row: RunRow) -> str:
    """Format the lecture's name: `09 softmax classifier`. Where several lecture files share a name,
    the path of this one follows.
    """
    name = row.summary.lecture or row.folder.path.parent.name
    origin = f" ({row.origin})" if row.origin else ""
    return name.removeprefix("lecture_").replace("_", " ") + origin


def matches(row: RunRow, query: str) -> bool:
    """Whether the row contains every word of `query`."""
    run = row.summary
    words = [row.folder.name, lecture_of(row), run.dataset, run.shown_state, row.note]
    whole = " ".join([*words, *(f"{name}={value}" for name, value in row.settings.items())])
    return all(word in whole.casefold() for word in query.casefold().split())


def ordered(rows: list[RunRow], column: str) -> list[RunRow]:
    """Sort the rows by a column: the newest, the best or the farthest first, or by alphabet."""
    keys = {
        "age": lambda row: -row.summary.created,
        "lecture": lecture_of,
        "data": lambda row: row.summary.dataset,
        "best": _rank,
        "epochs": lambda row: -row.summary.epoch,
        "state": lambda row: row.summary.shown_state,
        "differs": lambda row: " ".join(row.differs),
        "note": lambda row: (not row.note, row.note),
    }
    return sorted(rows, key=keys[column])


def _rank(row: RunRow) -> tuple[str, float]:
    run = row.summary
    if run.best_value is None:
        return run.metric or "~", float("inf")
    return run.metric, -run.best_value if run.higher_is_better else run.best_value


@dataclass(frozen=True)
class Trained:
    """How many runs a lecture has, and the text of the best result."""

    runs: int
    best: str


def best_by_lecture(summaries: Sequence[RunSummary]) -> dict[tuple[str, str], Trained]:
    """Count the runs of each lecture, by its key, and find the best of those with the metric of the
    newest.
    """
    by_lecture: dict[tuple[str, str], list[RunSummary]] = {}
    for summary in summaries:
        if summary.best_value is not None:
            by_lecture.setdefault(summary.lecture_key, []).append(summary)
    return {lecture: Trained(len(runs), best_of(runs)) for lecture, runs in by_lecture.items()}


def best_of(runs: Sequence[RunSummary]) -> str:
    """Format the best value among runs."""
    newest = runs[-1]
    comparable = [run for run in runs if run.metric == newest.metric and run.best_value is not None]
    best = max if newest.higher_is_better else min
    return best_in_short(best(comparable, key=lambda run: run.best_value or 0.0))


def age(created: float, now: float | None = None) -> str:
    """Format how long ago something was: `4 min`, `3 h`, `12 days`."""
    seconds = (time.time() if now is None else now) - created
    if seconds < 90:
        return "now"
    for size, unit, limit in ((60, "min", 90), (3600, "h", 36)):
        if seconds / size < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"
