"""Draws the model's line through the points, and the residual of each point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.plot import Plot, span
from tui_app.drawing.table import sentence
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.line import Line


def draw(found: Line, frame: Frame) -> list[Text]:
    """Points, line, and residuals as vertical strokes."""
    pen = frame.pen
    canvas = Canvas(frame.columns, frame.rows - 2, pen)
    low, high = span(np.concatenate([found.y, found.curve]))
    plot = Plot(canvas, (float(found.grid[0]) - 0.02, float(found.grid[-1])), (min(0.0, low), high))
    plot.axes("x", "y")
    for x, y, predicted in zip(found.x, found.y, found.predicted, strict=True):
        plot.curve([x, x], [predicted, y], pen.style("bad"))
    plot.curve(found.grid, found.curve, pen.style("model"))
    for x, y in zip(found.x, found.y, strict=True):
        plot.mark(x, y, pen.sign("●", "o"), pen.style("data strong"))
    return [*canvas.lines(), _line(found, frame), _residuals(found, frame)]


def _line(found: Line, frame: Frame) -> Text:
    weights = ", ".join(f"{name} = {value:.4f}" for name, value in found.weights)
    asked = float(np.ceil(found.x.max())) + (1 if found.x.max() == np.ceil(found.x.max()) else 0)
    answer = float(np.interp(asked, found.grid, found.curve, np.nan, np.nan))
    beyond = f"   x = {asked:g} gives {answer:.4f}" if np.isfinite(answer) else ""
    dash = frame.pen.sign("━", "-")
    return sentence((dash, "model"), f" {weights}{beyond}   loss {found.loss:.4g}", pen=frame.pen)


def _residuals(found: Line, frame: Frame) -> Text:
    """Each residual where they are few, else their mean, deviation and extreme."""
    pen, residuals = frame.pen, found.y - found.predicted
    stroke = (pen.sign("┃", "|"), "bad")
    if len(residuals) <= 6:
        values = "  ".join(f"{residual:+.4f}" for residual in residuals)
        return sentence(stroke, f" residuals y - ŷ: {values}", pen=pen)
    text = (
        f" {len(residuals)} residuals: mean {residuals.mean():+.3f}, deviation "
        f"{residuals.std():.3f}, largest {residuals[np.abs(residuals).argmax()]:+.3f}"
    )
    return sentence(stroke, text, pen=pen)


VIEW = View(
    "Fitted line",
    "line",
    draw,
    accepts=lambda found: not found.classes,
    unavailable_text="Only a model with one input and one output has a fitted line.",
    suits=lambda traits: traits.input_shape == (1,) and traits.task == "regression",
)
