"""Writes numbers as text: metrics, losses, durations, counts."""

from __future__ import annotations

import math


def is_share(metric: str) -> bool:
    """Whether a metric lies between 0 and 1 and is shown in per cent: an accuracy."""
    return metric.endswith("accuracy")


def format_value(name: str, value: float | None) -> str:
    """A metric with its name: `test accuracy 97.62 %`, `train loss 0.0347`."""
    return f"{name.replace('_', ' ')} {format_number(name, value)}"


def format_number(name: str, value: float | None) -> str:
    """The number of a metric: an accuracy in per cent, a loss to four significant digits."""
    if value is None or math.isnan(value):
        return "not finite"
    return f"{100 * value:.2f} %" if is_share(name) else f"{value:#.4g}"


def format_short(name: str, value: float) -> str:
    """A metric and its kind in at most twelve cells: `97.50 %`, `loss 0.1396`."""
    if is_share(name):
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
    """A duration in at most two units: `0.3 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if not math.isfinite(seconds):
        return "unknown"
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


def grouped(count: int) -> str:
    """A count with its thousands apart: `12 443 648`."""
    return f"{count:,}".replace(",", " ")


def short_count(count: int, exact_below: int = 10_000) -> str:
    """A count to three digits: `27.6k`, `10M`. Those below `exact_below` have all their digits."""
    if count < exact_below:
        return str(count)
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{float(f'{count / size:.3g}'):g}{letter}"
    return str(count)


def rounded(value: float, digits: int = 4) -> str:
    """A number to so many digits; one that differs from zero by a rounding error is `0`."""
    return f"{0.0 if abs(value) < 1e-6 else value:.{digits}g}"


def as_factor(value: float) -> str:
    """A number within a product: in brackets when it is negative."""
    text = rounded(value)
    return f"({text})" if text.startswith("-") else text


def short_number(text: str, digits: int = 4) -> str:
    """A number that isn't whole, with so many digits: `0.007315`; any other text as it is."""
    try:
        int(text)
    except ValueError:
        try:
            return f"{float(text):.{digits}g}"
        except ValueError:
            return text
    return text
