"""Draws the probability of class 1 over the input, and where it crosses 0.5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.plot import Plot
from tui_app.drawing.table import sentence
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.line import Line


def draw(found: Line, frame: Frame) -> list[Text]:
    """The curve, the samples at 0 and 1, and the crossing."""
    pen = frame.pen
    canvas = Canvas(frame.columns, frame.rows - 2, pen)
    plot = Plot(canvas, (float(found.grid[0]), float(found.grid[-1])), (-0.06, 1.06))
    plot.axes("x", f"P({found.classes[1]})")
    plot.level(0.5, pen.style("bad"))
    plot.curve(found.grid, found.curve, pen.style("model"))
    if found.crossing is not None:
        plot.upright(found.crossing, pen.style("bad"))
        plot.mark(found.crossing, 0.5, pen.sign("◆", "@"), pen.style("bad strong"))
    for x, y, share in zip(found.x, found.y, found.predicted, strict=True):
        plot.mark(x, y, pen.sign("●", "o") if y else pen.sign("○", "."), pen.style("data strong"))
        plot.mark(x, share, pen.sign("•", "+"), pen.style("model strong"))
    return [*canvas.lines(), _crossing(found, frame), _samples(found, frame)]


def _crossing(found: Line, frame: Frame) -> Text:
    weights = ", ".join(f"{name} = {value:.3f}" for name, value in found.weights)
    where = "P crosses 0.5 nowhere here" if found.crossing is None else ""
    where = where or f"P = 0.5 at x = {found.crossing:.3f}"
    diamond = (frame.pen.sign("◆", "@"), "bad strong")
    return sentence(diamond, f" {where}   {weights}   loss {found.loss:.4g}", pen=frame.pen)


def _samples(found: Line, frame: Frame) -> Text:
    """The first samples, each with its class and the probability of that class."""
    parts: list[tuple[str, str] | str] = []
    for x, y, share in zip(found.x[:8], found.y, found.predicted, strict=False):
        true = share if y else 1 - share
        right = "good" if true > 0.5 else "bad"
        parts += [f"x {x:g} {found.classes[int(y)]} ", (f"{100 * true:.0f} %", right), "   "]
    return sentence(*parts, pen=frame.pen)


VIEW = View(
    "Probability curve",
    "line",
    draw,
    accepts=lambda found: bool(found.classes),
    unavailable_text="Only a model with one input and two classes has a probability curve.",
    suits=lambda traits: traits.input_shape == (1,) and traits.classes == 2,
)
