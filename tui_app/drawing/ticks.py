"""Places the ticks of an axis and writes their numbers."""

from __future__ import annotations

import math

#: The cells reserved for a number at an axis, so that a chart stays in place when numbers change.
WIDTH = 7


def ticks(low: float, high: float, count: int) -> list[float]:
    """Round numbers from `low` to `high`, about `count` of them."""
    if not high > low:
        return [low]
    rough = (high - low) / max(1, count)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [n * step for n in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float, count: int) -> list[float]:
    """Logarithms to base 10 of round numbers from 10^low to 10^high."""
    decades = range(math.floor(low), math.ceil(high) + 1)
    if len(decades) - 1 > count:
        every = math.ceil((len(decades) - 1) / count)
        return [float(n) for n in decades if n % every == 0 and low <= n <= high]
    factors = (1, 2, 5) if (high - low) * 3 <= count * 1.5 else (1,)
    marks = [n + math.log10(factor) for n in decades for factor in factors]
    inside = [mark for mark in marks if low - 1e-9 <= mark <= high + 1e-9]
    if len(inside) >= 2:
        return inside
    return [math.log10(value) for value in ticks(10**low, 10**high, count) if value > 0]


def tick_text(value: float) -> str:
    """A number at an axis, in at most seven cells."""
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e5:
        if abs(value) < 1e-2:
            return f"{value:.3g}"
        return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"
    return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def percent_tick(value: float) -> str:
    """A share from 0 to 1 at an axis."""
    return f"{100 * value:.4g} %"


def count_tick(value: float) -> str:
    """A step or an epoch at an axis: 800, 12k, 1.5M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= 10 * size or (abs(value) >= size and value % size == 0):
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def growing_end(value: float, total: float) -> float:
    """The end of an axis that grows up to `total`: it doubles, so that the chart rarely changes."""
    if total <= 0 or value >= total:
        return value
    end = total
    while end / 2 >= value and end > 1:
        end /= 2
    return end
