"""Draws the decision boundary between two classes of points in the plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.pen import hexadecimal, ramp
from tui_app.drawing.plot import Plot
from tui_app.drawing.raster import scale_image
from tui_app.drawing.table import sentence
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.boundary import Boundary


def draw(found: Boundary, frame: Frame) -> list[Text]:
    """P(class 1) as the background, the boundary as a line, the points by class."""
    canvas = Canvas(frame.columns, frame.rows - 1, frame.pen)
    plot = Plot(canvas, (found.xs[0], found.xs[-1]), (found.ys[0], found.ys[-1]))
    _draw_background(plot, found)
    plot.axes("x")
    canvas.write(0, 0, "y", frame.pen.style("faint"))
    signs = (frame.pen.sign("○", "o"), frame.pen.sign("●", "x"))
    meanings = ("model", "data")
    for point, target in zip(found.points, found.targets, strict=True):
        style = frame.pen.style(meanings[target])
        column, row = round(plot.x(point[0])) // 2, round(plot.y(point[1])) // 4
        plot.mark(point[0], point[1], signs[target], canvas.over(column, row, style))
    words = sentence(
        (f"{signs[0]} {found.classes[0]}  ", "model"),
        (f"{signs[1]} {found.classes[1]}  ", "data"),
        (frame.pen.sign("█", "#"), "strong"),
        " P = 0.5",
        (f"   accuracy {100 * found.accuracy:.2f} % on the {found.measured} set", "good"),
        pen=frame.pen,
    )
    return [*canvas.lines(), words]


def _draw_background(plot: Plot, found: Boundary) -> None:
    """The background, two pixels a cell: blue where class 0 is more probable, else orange."""
    pen, canvas = plot.canvas.pen, plot.canvas
    shares = scale_image(found.probabilities[::-1], plot.columns, plot.rows * 2)
    above = shares[0::2] > 0.5
    edge = np.zeros_like(above)
    edge[:, :-1] |= above[:, :-1] != above[:, 1:]
    edge[:-1] |= above[:-1] != above[1:]
    soft = 0.5 + (shares - 0.5) * 0.42
    upper, lower = ramp(soft[0::2], "diverging"), ramp(soft[1::2], "diverging")
    for row in range(plot.rows):
        for column in range(plot.columns):
            x, y = plot.left + column, plot.top + row
            if edge[row, column]:
                canvas.write(x, y, pen.sign("█", "#"), "#e8e8e8" if pen.colour else "")
            elif pen.colour and not pen.ascii:
                style = f"{hexadecimal(upper[row, column])} on {hexadecimal(lower[row, column])}"
                canvas.write(x, y, "▀", style)
            elif above[row, column]:
                canvas.write(x, y, pen.sign("·", "."), pen.style("faint"))


VIEW = View(
    "Decision boundary",
    "boundary",
    draw,
    unavailable_text="Only two inputs and two classes have a boundary: --dataset moons or circles.",
    suits=lambda traits: traits.input_shape == (2,) and traits.classes == 2,
)
