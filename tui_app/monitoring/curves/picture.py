"""Describes a chart as plain data: curves, levels and marks, on axes with a range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Style = Literal["line", "faint", "dots"]


@dataclass(frozen=True)
class Curve:
    """Points to draw. `colour` is the name of a theme variable; `y` may hold NaN."""

    label: str
    x: np.ndarray
    y: np.ndarray
    colour: str
    style: Style = "line"


@dataclass(frozen=True)
class Level:
    """A horizontal line, such as the score of a baseline."""

    label: str
    y: float


@dataclass(frozen=True)
class Picture:
    """A chart. `best` is a point to mark, `changes` are where the user changed the lr.

    `empty` is the sentence that stands in place of a chart without curves.
    """

    curves: Sequence[Curve] = ()
    levels: Sequence[Level] = ()
    best: tuple[float, float] | None = None
    changes: Sequence[float] = ()
    end: float = 1.0
    log: bool = False
    is_share: bool = False
    cursor: float | None = None
    empty: str = ""

    def range(self) -> tuple[float, float]:
        """The lowest and highest y to show, on the scale of the axis (log10 if `log`)."""
        parts = [_bounds(curve) for curve in self.curves]
        lows = [low for low, _ in parts if np.isfinite(low)]
        highs = [high for _, high in parts if np.isfinite(high)]
        lows += [level.y for level in self.levels]
        highs += [level.y for level in self.levels]
        if not lows or not highs:
            return 0.0, 1.0
        low, high = min(lows), max(highs)
        if self.log:
            positive = [c.y[c.y > 0] for c in self.curves]
            least = min((float(np.min(y)) for y in positive if len(y)), default=1e-12)
            low, high = np.log10(max(low, least, 1e-300)), np.log10(max(high, least, 1e-300))
        margin = (high - low) * 0.03 or abs(high) * 0.05 or 0.5
        if not self.log and 0 <= low < (high - low) * 0.25:
            return 0.0, high + margin
        top = min(high + margin, 1.0) if self.is_share and high <= 1 else high + margin
        return low - margin, max(top, low + 1e-12)

    def scaled(self, y: np.ndarray) -> np.ndarray:
        """The values `y` on the scale of the axis."""
        if not self.log:
            return y
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(y > 0, np.log10(y), np.nan)


@dataclass(frozen=True)
class ChartView:
    """How the user wants the chart: smoothing, scale, x axis, panels, cursor."""

    span: int = 10
    log: bool = False
    axis: Literal["step", "epoch", "seconds"] = "step"
    panels: Literal["loss", "accuracy", "both"] = "both"
    cursor: float | None = field(default=None)


def _bounds(curve: Curve) -> tuple[float, float]:
    finite = curve.y[np.isfinite(curve.y)]
    if not len(finite):
        return np.nan, np.nan
    if curve.style == "faint":  # a few spikes must not flatten the rest
        return float(np.quantile(finite, 0.02)), float(np.quantile(finite, 0.98))
    return float(finite.min()), float(finite.max())
