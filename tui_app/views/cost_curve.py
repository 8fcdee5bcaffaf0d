"""Draws the cost against one weight, with the steps of a search or of a gradient descent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.plot import Plot
from tui_app.drawing.table import sentence
from tui_app.text.quantities import rounded
from tui_app.views.shared.descents import path_legend, path_sign, places, stability_line, thin_out
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.landscape import Descent, Landscape


def draw(found: Landscape, frame: Frame) -> list[Text]:
    """The curve with the weights that were tried; at a place, those of the steps up to it."""
    pen, descent = frame.pen, found.descents[0]
    tried = len(descent.losses) if frame.at == 0 else min(frame.at, len(descent.losses))
    words = _words(found, descent, tried, frame)
    canvas = Canvas(frame.columns, frame.rows - len(words), pen)
    grid = found.grids[0]
    low, high = float(grid[0]), float(grid[-1])
    top = float(found.cost.max()) * 1.05
    margin = (high - low) * 0.02
    plot = Plot(canvas, (low - margin, high + margin), (-0.04 * top, top))
    plot.axes(found.names[0], f"cost ({found.reduction} squared error)", centred=True)
    fine = np.linspace(low, high, 400)
    plot.curve(fine, np.interp(fine, grid, found.cost), pen.style("faint"))
    for number, other in enumerate(found.descents[1:], 1):
        _draw_comparison(plot, found, other, number)
    _steps(plot, found, descent, tried)
    if frame.at == 0 and descent.current is not None:
        end = float(np.interp(descent.current[0], grid, found.cost, np.nan, np.nan))
        plot.mark(float(descent.current[0]), end, pen.sign("◆", "@"), pen.style("data strong"))
    return [*canvas.lines(), *words]


def _draw_comparison(plot: Plot, found: Landscape, other: Descent, number: int) -> None:
    """Draw another descent as marks above the curve, each in a row of its own, so that all show."""
    pen, row = plot.canvas.pen, (plot.ys[1] - plot.ys[0]) / plot.rows
    sign, meaning = path_sign(number, pen)
    points = other.weights[np.isfinite(other.weights[:, 0])]
    for w, *_ in thin_out(plot, points, cells=3):
        cost = np.interp(w, found.grids[0], found.cost, np.nan, np.nan)
        if np.isfinite(cost):
            plot.mark(w, cost + row * number, sign, pen.style(meaning))


def _steps(plot: Plot, found: Landscape, descent: Descent, tried: int) -> None:
    """Draw a mark for each weight that was tried, the last ones on top."""
    pen = plot.canvas.pen
    weights = descent.weights[1:, 0] if found.is_search else descent.weights[:-1, 0]
    costs = np.interp(weights, found.grids[0], found.cost, np.nan, np.nan)
    for w, cost in list(zip(weights, costs, strict=True))[:tried]:
        if np.isfinite(cost):
            plot.mark(w, cost, pen.sign("•", "o"), pen.style("model"))
    if tried:
        w, cost = weights[tried - 1], costs[tried - 1]
        if found.is_search:
            best = int(np.argmin(descent.losses[:tried]))
            plot.mark(weights[best], costs[best], pen.sign("★", "*"), pen.style("good strong"))
        if np.isfinite(cost) and (not found.is_search or tried < len(descent.losses)):
            plot.mark(w, cost, pen.sign("◆", "@"), pen.style("data strong"))


def _words(found: Landscape, descent: Descent, tried: int, frame: Frame) -> list[Text]:
    name, pen = found.names[0], frame.pen
    if not tried:
        return [sentence("no step yet", pen=pen), Text()]
    if found.is_search:
        best = int(np.argmin(descent.losses[:tried]))
        weight = descent.weights[1 + best, 0]
        now = descent.weights[tried, 0]
        lowest = f" lowest so far: {name} = {weight:.1f}, cost {rounded(descent.losses[best])}"
        last = f"tried {tried} of {len(descent.losses)}, the last {name} = {now:.1f}"
        exact = ""
        if tried == len(descent.losses):
            exact = f"; between the candidates it is lowest at {name} = {rounded(found.lowest[0])}"
        return [
            sentence((pen.sign("★", "*"), "good strong"), lowest, pen=pen),
            sentence((last + exact, "faint"), pen=pen),
        ]
    before, after = descent.weights[tried - 1, 0], descent.weights[tried, 0]
    first = sentence(
        (pen.sign("◆", "@"), "data strong"),
        f" step {tried}: {name} {before:.4g} -> {after:.4g}, loss {descent.losses[tried - 1]:.4g}",
        (f"   lowest at {name} = {rounded(found.lowest[0])}", "faint"),
        pen=pen,
    )
    if len(found.descents) == 1 and descent.current is None:
        return [first, stability_line(found, frame)]
    return [first, *path_legend(found, frame), stability_line(found, frame)]


VIEW = View(
    "Cost against w",
    "landscape",
    draw,
    places,
    "step",
    overview="last",
    accepts=lambda found: len(found.names) == 1,
    unavailable_text="Only a model with one weight has a cost curve.",
    suits=lambda traits: traits.single_weights == 1,
)
