"""Run folders in the words of a table."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tui_app.training.narrate import format_number
from tui_app.training.runs import RunSummary
from tui_app.widgets.lecture_list import Trained


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
