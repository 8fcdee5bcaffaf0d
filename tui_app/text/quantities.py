"""Numbers with what they count, as text: losses, accuracies, durations, `2 steps`."""

from __future__ import annotations

import math


def format_value(name: str, value: float | None) -> str:
    """A metric as it is shown: `test accuracy 97.62 %`, `train loss 0.0347`."""
    return f"{name.replace('_', ' ')} {format_number(name, value)}"


def format_number(name: str, value: float | None) -> str:
    """The number of a metric: an accuracy in per cent, a loss to four significant digits."""
    if value is None:
        return "not finite"
    return f"{100 * value:.2f} %" if name.endswith("accuracy") else f"{value:#.4g}"


def format_short(name: str, value: float) -> str:
    """A metric in at most twelve cells, with what it is: `97.50 %`, `loss 0.1396`."""
    if name.endswith("accuracy"):
        return format_number(name, value)
    return f"loss {short_loss(value)}"


def short_loss(value: float) -> str:
    """A loss in at most seven cells: `0.1396`, `0.00792`, `2.2e-12`, `0`."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if 0.1 <= abs(value) < 1e4:
        return f"{value:#.4g}"
    return f"{value:#.3g}" if 1e-3 <= abs(value) < 0.1 else f"{value:.1e}"


def format_seconds(seconds: float) -> str:
    """A duration as it is read: `0.3 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def counted(count: int, noun: str) -> str:
    """`1 step`, `2 steps`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
