"""What several runs have come to, beside each other."""

from __future__ import annotations

from tui_app.following.history import History
from tui_app.training.narrate import format_number, format_seconds


def best_of(history: History) -> str:
    """The best value, as it is written."""
    best = history.best
    return "-" if best is None else format_number(best.metric, best.value)


def epoch_of_best(history: History) -> str:
    """The epoch that the best value is from."""
    return "-" if history.best is None else str(history.best.epoch)


def seconds_of(history: History) -> str:
    """How long it trained."""
    completed = history.completed
    return "" if completed is None else format_seconds(completed.seconds)


def against(history: History, first: History) -> str:
    """The result as a ratio to that of `first`: `error 30 % lower`."""
    best, other = history.best, first.best
    if history is first or best is None or other is None or best.metric != other.metric:
        return ""
    if best.metric.endswith("accuracy"):
        what, value, reference = "error", 1 - best.value, 1 - other.value
    else:
        what, value, reference = "loss", best.value, other.value
    if value == reference:
        return f"same {what}"
    if reference <= 0:
        return ""
    change = 100 * (value / reference - 1)
    if change > 900:
        return f"{what} {value / reference:.0f} times as large"
    return f"{what} {abs(change):.0f} % {'higher' if change > 0 else 'lower'}"
