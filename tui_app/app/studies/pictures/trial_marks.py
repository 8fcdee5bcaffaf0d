"""Gives each trial its sign in charts and tables, and finds those that were the best so far."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tui_app.drawing.pen import Pen
from tui_app.search.summary import StudySummary, TrialSummary
from tui_app.text.escaping import printable

#: By state: the sign of a trial, the same in ASCII, and its meaning for the pen.
_SIGNS = {
    "completed": ("•", "o", "data"),
    "pruned": ("×", "x", "faint"),
    "running": ("○", "+", "strong"),
    "stopped": ("○", "+", "faint"),
    "failed": ("!", "!", "bad"),
    "waiting": ("·", ".", "faint"),
}
_BEST = ("◆", "*", "good")


def sign_of(trial: TrialSummary, best: TrialSummary | None, pen: Pen) -> tuple[str, str]:
    """Return the sign of a trial and its meaning for the pen."""
    sign, plain, meaning = (
        _BEST if best is not None and trial.number == best.number else (_SIGNS[trial.state])
    )
    return pen.sign(sign, plain), meaning


def has_value(trial: TrialSummary) -> bool:
    """Whether the trial has a metric that can be drawn."""
    return trial.metric_value is not None and math.isfinite(trial.metric_value)


def best_so_far(study: StudySummary) -> Iterator[TrialSummary]:
    """Yield each completed trial that was better than all before it, by number."""
    best: TrialSummary | None = None
    for trial in sorted(study.trials, key=lambda trial: trial.number):
        if trial.state != "completed" or not has_value(trial):
            continue
        if best is None or _is_better(study, trial, best):
            best = trial
            yield trial


def label_of(name: str) -> str:
    """Return the name of a setting or a metric as tables and charts write it."""
    return printable(name.replace("_", " "))


def _is_better(study: StudySummary, trial: TrialSummary, other: TrialSummary) -> bool:
    assert trial.metric_value is not None
    assert other.metric_value is not None
    if study.higher_is_better:
        return trial.metric_value > other.metric_value
    return trial.metric_value < other.metric_value
