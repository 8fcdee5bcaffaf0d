"""What several runs have come to, beside each other."""

from __future__ import annotations

from tui_app.monitoring.history import History
from tui_app.text.quantities import format_seconds, format_short


def best_of(history: History) -> str:
    """The best value, as it is written."""
    best = history.best
    return "-" if best is None else format_short(best.metric, best.value)


def epoch_of_best(history: History) -> str:
    """The epoch that the best value is from."""
    return "-" if history.best is None else str(history.best.epoch)


def seconds_of(history: History) -> str:
    """How long it trained."""
    completed = history.completed
    return "" if completed is None else format_seconds(completed.seconds)


def against(history: History, first: History) -> str:
    """The result against that of `first`: `error 30 % lower`, `same`, `loss 5.8e6×`."""
    best, other = history.best, first.best
    if history is first or best is None or other is None or best.metric != other.metric:
        return ""
    if _task(history) != _task(first):
        return ""
    if best.metric.endswith("accuracy"):
        what, value, reference = "error", 1 - best.value, 1 - other.value
    else:
        what, value, reference = "loss", best.value, other.value
    if value == reference:
        return "same"
    if reference <= 0 or value < 0:
        return ""
    ratio = value / reference
    change = round(100 * (ratio - 1))
    if change == 0:
        return "same"
    if ratio > 10 or 0 < ratio < 0.01:
        return f"{what} {_short(ratio)}×"
    return f"{what} {abs(change)} % {'higher' if change > 0 else 'lower'}"


def _task(history: History) -> tuple[str, str, str] | None:
    """What a result is of: no other task's can be compared with it."""
    facts = history.facts
    return None if facts is None else (facts.lecture, facts.file, facts.dataset)


def _short(ratio: float) -> str:
    """Two digits: `15`, `0.0031`, `5.8e6`."""
    if 1e-4 <= ratio < 1e4:
        return f"{float(f'{ratio:.2g}'):g}"
    mantissa, exponent = f"{ratio:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"
