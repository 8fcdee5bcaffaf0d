"""Draws the cost over two weights as a map with contours, and the paths that training took."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.pen import hexadecimal, ramp
from tui_app.drawing.plot import Plot
from tui_app.drawing.table import sentence
from tui_app.drawing.ticks import tick_text
from tui_app.text.quantities import rounded
from tui_app.views.shared.descents import path_legend, path_sign, places, stability_line, thin_out
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.landscape import Descent, Landscape

#: The number of contours from the lowest to the highest cost, evenly in its logarithm.
_CONTOURS = 7


def draw(found: Landscape, frame: Frame) -> list[Text]:
    """The map with all paths; at a place, the path of the run up to that step."""
    words = _words(found, frame)
    canvas = Canvas(frame.columns, frame.rows - len(words), frame.pen)
    ws, bs = found.grids
    plot = Plot(canvas, (ws[0], ws[-1]), (bs[0], bs[-1]))
    _map(plot, found, frame.at)
    plot.axes(found.names[0])
    canvas.write(0, 0, found.names[1], frame.pen.style("faint"))
    for number, descent in enumerate(found.descents):
        _draw_path(plot, descent, number, frame.at if number == 0 else 0, found.is_search)
    star = frame.pen.sign("★", "*") if not found.is_search or not frame.at else ""
    plot.mark(
        found.lowest[0], found.lowest[1], star, _style_on_map(plot, found, found.lowest, "strong")
    )
    return [*canvas.lines(), *words]


def heights(found: Landscape) -> np.ndarray:
    """The logarithm of the cost, from 0 (lowest) to 1, so that a valley is visible."""
    above = np.maximum(found.cost - min(found.lowest_cost, float(found.cost.min())), 0)
    scale = float(np.median(above)) / 30 or 1.0
    logs = np.log1p(above / scale)
    return logs / (logs.max() or 1.0)


def _interpolated(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Values of a grid between its points, interpolated linearly: (len(rows), len(columns))."""
    across = np.stack([np.interp(columns, np.arange(values.shape[1]), line) for line in values])
    return np.stack([np.interp(rows, np.arange(values.shape[0]), line) for line in across.T]).T


def _fine(plot: Plot, found: Landscape) -> np.ndarray:
    """The heights at each dot of the plot, the top row first, (4·rows, 2·columns)."""
    values = heights(found)[::-1]
    rows = (np.arange(plot.rows * 4) + 0.5) / (plot.rows * 4) * (values.shape[0] - 1)
    columns = (np.arange(plot.columns * 2) + 0.5) / (plot.columns * 2) * (values.shape[1] - 1)
    return _interpolated(values, rows, columns)


def _visited(plot: Plot, found: Landscape, at: int) -> np.ndarray:
    """The cells to draw: those that a search has tried so far, all of a descent."""
    ws, bs = found.grids
    mask = np.ones((len(bs), len(ws)), bool)
    if found.is_search:
        mask[:] = False
        tried = found.descents[0].weights[1 : at + 1 if at else None]
        mask[np.searchsorted(bs, tried[:, 1] - 1e-4), np.searchsorted(ws, tried[:, 0] - 1e-4)] = (
            True
        )
    rows = np.linspace(len(bs) - 1, 0, plot.rows).round().astype(int)
    return mask[np.ix_(rows, np.linspace(0, len(ws) - 1, plot.columns).round().astype(int))]


def _map(plot: Plot, found: Landscape, at: int) -> None:
    """Draw heights as colours, and contours, so that the shape is visible without colour."""
    canvas, pen, fine = plot.canvas, plot.canvas.pen, _fine(plot, found)
    visited = _visited(plot, found, at)
    cells = fine.reshape(plot.rows, 4, plot.columns, 2).mean(axis=(1, 3))
    grounds, lines = ramp(cells * 0.9), ramp(cells * 0.9 + 0.3)
    styles: dict[tuple[int, int], str] = {}
    for row, column in zip(*map(np.ndarray.tolist, np.nonzero(visited)), strict=True):
        style = ""
        if pen.colour:
            style = f"{hexadecimal(lines[row, column])} on {hexadecimal(grounds[row, column])}"
        styles[row, column] = style
        canvas.write(plot.left + column, plot.top + row, " ", style)
    for y, x in np.argwhere(_contours(fine)).tolist():
        if (y // 4, x // 2) in styles:
            canvas.dot(plot.left * 2 + x, plot.top * 4 + y, styles[y // 4, x // 2])


def _contours(fine: np.ndarray) -> np.ndarray:
    """The dots where two bands of heights meet."""
    bands = np.floor(fine * _CONTOURS)
    edges = np.zeros(fine.shape, bool)
    edges[:, :-1] |= bands[:, :-1] != bands[:, 1:]
    edges[:-1] |= bands[:-1] != bands[1:]
    return edges


def _style_on_map(plot: Plot, found: Landscape, point: np.ndarray, meaning: str) -> str:
    """The style of a mark, with the map's colour at that point as its background."""
    pen = plot.canvas.pen
    if not pen.colour:
        return pen.style(meaning)
    ws, bs = found.grids
    row = np.interp(point[1], bs, np.arange(len(bs)))
    column = np.interp(point[0], ws, np.arange(len(ws)))
    share = float(_interpolated(heights(found), np.array([row]), np.array([column]))[0, 0])
    return f"bold #ffffff on {hexadecimal(ramp(np.array(share * 0.9)))}"


def _draw_path(plot: Plot, descent: Descent, number: int, at: int, is_search: bool) -> None:
    """Draw the path of the run as dots, and other paths as marks, so that paths that overlap
    stay visible.
    """
    pen, canvas = plot.canvas.pen, plot.canvas
    shown, meaning = path_sign(number, pen)
    points = descent.weights[: at + 1] if at else np.vstack([descent.weights, descent.end])
    if is_search:  # a search visits every point in turn: its path says nothing
        points = points[-1:]
    points = points[np.isfinite(points).all(axis=1)]
    if number == 0 and pen.colour:
        for start, end in pairwise(thin_out(plot, points, cells=0.5)):
            _dots(plot, start, end, pen.style(meaning))
        points = points[[0, -1]] if len(points) else points
    elif number == 0:  # without colour, dots would look like contours
        points = thin_out(plot, points, cells=1.5)
    else:
        points = thin_out(plot, points)
    for w, b, *_ in points:
        column, row = round(plot.x(w)) // 2, round(plot.y(b)) // 4
        plot.mark(w, b, shown, canvas.over(column, row, pen.style(meaning)))


def _dots(plot: Plot, start: np.ndarray, end: np.ndarray, style: str) -> None:
    x0, y0, x1, y1 = plot.x(start[0]), plot.y(start[1]), plot.x(end[0]), plot.y(end[1])
    if not all(abs(value) < 1e5 for value in (x0, y0, x1, y1)):
        return
    for part in np.linspace(0, 1, int(max(abs(x1 - x0), abs(y1 - y0))) + 2):
        x, y = round(x0 + part * (x1 - x0)), round(y0 + part * (y1 - y0))
        column, row = x // 2, y // 4
        inside = plot.left <= column < plot.left + plot.columns
        if inside and plot.top <= row < plot.top + plot.rows:
            over = plot.canvas.over(column, row, style)
            if plot.canvas.style_at(column, row) != over:  # the path hides the contours
                plot.canvas.write(column, row, " ", over)
            plot.canvas.dot(x, y, over)


def _words(found: Landscape, frame: Frame) -> list[Text]:
    pen, names = frame.pen, found.names
    lowest = ", ".join(
        f"{name} {rounded(value, 3)}" for name, value in zip(names, found.lowest, strict=True)
    )
    star = sentence(
        (pen.sign("★", "*"), "strong"),
        f" {lowest}: cost {rounded(found.lowest_cost)}",
        (
            f"   map {rounded(float(found.cost.min()))} to {tick_text(float(found.cost.max()))}",
            "faint",
        ),
        (f"   with {', '.join(found.fixed)}" if found.fixed else "", "faint"),
        pen=pen,
    )
    if found.is_search:
        return [_tried(found, frame), star]
    return [*path_legend(found, frame), star, stability_line(found, frame)]


def _tried(found: Landscape, frame: Frame) -> Text:
    """The state of a search: how many candidates it tried, and the best so far."""
    descent, pen = found.descents[0], frame.pen
    tried = frame.at or len(descent.losses)
    if not tried:
        return sentence("no step yet", pen=pen)
    best = int(np.argmin(descent.losses[:tried]))
    w, b = descent.weights[best + 1, :2]
    lowest = f" the last of {tried} candidates tried; lowest so far {w:.1f}, {b:.1f}: "
    sign = (pen.sign("●", "o"), "data strong")
    return sentence(sign, lowest + rounded(descent.losses[best]), pen=pen)


def has_two_weights(found: Landscape) -> bool:
    """Whether the cost depends on two weights."""
    return len(found.grids) == 2


VIEW = View(
    "Cost surface",
    "landscape",
    draw,
    places,
    "step",
    overview="last",
    accepts=has_two_weights,
    unavailable_text="Only a model with two or three weights has a cost surface.",
    suits=lambda traits: traits.single_weights in (2, 3),
)
