"""Draws axes, curves and marks on a canvas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.ticks import tick_text, ticks

#: Cells left of the vertical axis, for its numbers.
MARGIN = 8

#: Places on an axis with their texts, in place of round numbers.
Ticks = Sequence[tuple[float, str]]


def span(values: np.ndarray, margin: float = 0.06) -> tuple[float, float]:
    """The range of the finite values, with a margin on both sides."""
    finite = np.asarray(values, float).ravel()
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    more = (high - low) * margin or abs(high) * 0.1 or 1.0
    return low - more, high + more


class Plot:
    """A rectangle of a canvas with an x and a y axis. `left, top` is its corner, in cells."""

    def __init__(
        self,
        canvas: Canvas,
        xs: tuple[float, float],
        ys: tuple[float, float],
        *,
        left: int = 0,
        top: int = 0,
        columns: int = 0,
        rows: int = 0,
    ) -> None:
        self.canvas, self.xs, self.ys = canvas, xs, ys
        self.left, self.top = left + MARGIN, top
        self.columns = max(4, (columns or canvas.columns - left) - MARGIN)
        self.rows = max(2, (rows or canvas.rows - top) - 2)

    @property
    def right(self) -> int:
        """The first cell right of the rectangle."""
        return self.left + self.columns

    def x(self, value: Any) -> Any:
        """The position of a value, or of each in an array, in dots of the canvas."""
        low, high = self.xs
        return self.left * 2 + (value - low) / (high - low) * (self.columns * 2 - 1)

    def y(self, value: Any) -> Any:
        """The position of a value, or of each in an array, in dots of the canvas."""
        low, high = self.ys
        return self.top * 4 + (high - value) / (high - low) * (self.rows * 4 - 1)

    def axes(
        self,
        x_label: str,
        y_label: str = "",
        *,
        centred: bool = False,
        x_ticks: Ticks | None = None,
        y_ticks: Ticks | None = None,
    ) -> None:
        """Draw both axes with ticks and labels; `centred` puts the y label in the middle."""
        pen, canvas = self.canvas.pen, self.canvas
        style, bottom = pen.style("faint"), self.top + self.rows
        for row in range(self.top, bottom):
            canvas.write(self.left - 1, row, pen.sign("│", "|"), style)
        canvas.write(self.left - 1, bottom, pen.sign("└", "+"), style)
        canvas.write(self.left, bottom, pen.sign("─", "-") * self.columns, style)
        if y_ticks is None:
            y_ticks = _numbered(ticks(*self.ys, max(1, self.rows // 4)))
        for value, text in y_ticks:
            row = round(self.y(value)) // 4
            canvas.write(self.left - 1, row, pen.sign("┤", "+"), style)
            canvas.write(self.left - 2 - len(text), row, text, style)
        if x_ticks is None:
            x_ticks = _numbered(ticks(*self.xs, max(2, self.columns // 12)))
        end = -1
        for value, text in x_ticks:
            column = round(self.x(value)) // 2
            start = column - len(text) // 2
            if start <= end or start + len(text) > self.right - len(x_label) - 1:
                continue
            canvas.write(column, bottom, pen.sign("┬", "+"), style)
            canvas.write(start, bottom + 1, text, style)
            end = start + len(text)
        canvas.write(self.left + self.columns - len(x_label), bottom + 1, x_label, style)
        start = (self.columns - len(y_label)) // 2 if centred else 1
        canvas.write(self.left + start, self.top, y_label, style)

    def curve(
        self, xs: Sequence[float] | np.ndarray, ys: Sequence[float] | np.ndarray, style: str
    ) -> None:
        """Draw a line through the points, except where a value is not finite or lies outside."""
        low, high = self.ys
        reach = (high - low) * 1.5
        for start in range(len(xs) - 1):
            (x0, x1), (y0, y1) = xs[start : start + 2], ys[start : start + 2]
            if not np.isfinite([x0, y0, x1, y1]).all():
                continue
            if min(y0, y1) > high or max(y0, y1) < low or max(abs(y0), abs(y1)) > abs(high) + reach:
                continue
            self._line(x0, y0, x1, y1, style)

    def _line(self, x0: float, y0: float, x1: float, y1: float, style: str) -> None:
        top, bottom = self.top * 4, (self.top + self.rows) * 4 - 1
        left, right = self.left * 2, (self.left + self.columns) * 2 - 1
        a, b, c, d = self.x(x0), self.y(y0), self.x(x1), self.y(y1)
        for part in np.linspace(0, 1, int(max(abs(c - a), abs(d - b))) + 2):
            x, y = round(a + part * (c - a)), round(b + part * (d - b))
            if left <= x <= right and top <= y <= bottom:
                self.canvas.dot(x, y, style)

    def mark(self, x: float, y: float, sign: str, style: str) -> None:
        """Write a sign at a point, unless it lies outside."""
        if self.xs[0] <= x <= self.xs[1] and self.ys[0] <= y <= self.ys[1]:
            self.canvas.write(round(self.x(x)) // 2, round(self.y(y)) // 4, sign, style)

    def level(self, y: float, style: str) -> None:
        """Draw a horizontal dotted line."""
        if self.ys[0] <= y <= self.ys[1]:
            for x in range(self.left * 2, (self.left + self.columns) * 2, 4):
                self.canvas.dot(x, round(self.y(y)), style)

    def upright(self, x: float, style: str) -> None:
        """Draw a vertical dotted line."""
        if self.xs[0] <= x <= self.xs[1]:
            for y in range(self.top * 4, (self.top + self.rows) * 4, 2):
                self.canvas.dot(round(self.x(x)), y, style)


def _numbered(values: Sequence[float]) -> Ticks:
    return [(value, tick_text(value)) for value in values]
