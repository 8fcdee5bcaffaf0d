"""Draws the cost over two weights as a surface in space, seen from one of several angles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.pen import hexadecimal
from tui_app.drawing.table import sentence
from tui_app.drawing.ticks import tick_text
from tui_app.text.quantities import rounded
from tui_app.views.cost_surface import has_two_weights
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.landscape import Landscape

#: The number of angles, the first one, and the elevation of the eye, in degrees.
_ANGLES, _FIRST, _ELEVATION = 24, 30, 28

#: The surface's height relative to half a side of the floor, and the largest horizontal stretch.
_HEIGHT, _STRETCH = 1.3, 1.6

#: Points of the grid from one line of the mesh to the next.
_MESH = 4

#: The number of colours from the lowest to the highest cost.
_TINTS = 16


def draw(found: Landscape, frame: Frame) -> list[Text]:
    """The surface from the angle `at`, with the path of the run on it."""
    words = _words(found, frame)
    canvas = Canvas(frame.columns, frame.rows - len(words), frame.pen)
    scene = _Scene(canvas, found, np.radians(_FIRST + frame.at * 360 / _ANGLES))
    scene.floor()
    scene.surface()
    scene.path()
    return [*canvas.lines(), *words]


class _Scene:
    """Points (w, b, cost) seen from one side, in parallel projection onto the canvas's dots."""

    def __init__(self, canvas: Canvas, found: Landscape, angle: float) -> None:
        self._canvas, self._found, self._angle = canvas, found, angle
        self._low = min(found.lowest_cost, float(found.cost.min()))
        self._high = float(found.cost.max())
        tilt = np.radians(_ELEVATION)
        self._sin, self._cos = float(np.sin(tilt)), float(np.cos(tilt))
        # The largest extent of the floor at any angle, so that all angles have one scale.
        tall = 2 * np.sqrt(2) * self._sin + _HEIGHT * self._cos
        wide = 2 * np.sqrt(2)
        self._down = min((canvas.rows * 4 - 2) / tall, (canvas.columns * 2 - 2) / wide)
        self._across = min((canvas.columns * 2 - 2) / wide, self._down * _STRETCH)
        self._middle = canvas.rows * 2 + _HEIGHT * self._cos * self._down / 2
        self._nearest = np.full((canvas.rows * 4, canvas.columns * 2), -np.inf)

    def project(self, w, b, cost) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The dots (x, y) of points, and how near to the eye each point is."""
        ws, bs = self._found.grids
        x = 2 * (np.asarray(w) - ws[0]) / (ws[-1] - ws[0]) - 1
        y = 2 * (np.asarray(b) - bs[0]) / (bs[-1] - bs[0]) - 1
        z = _HEIGHT * (np.asarray(cost) - self._low) / ((self._high - self._low) or 1.0)
        right = x * np.cos(self._angle) - y * np.sin(self._angle)
        back = x * np.sin(self._angle) + y * np.cos(self._angle)
        columns = np.round(self._canvas.columns - 1 + right * self._across).astype(int)
        up = z * self._cos + back * self._sin
        rows = np.round(self._middle - up * self._down).astype(int)
        return columns, rows, z * self._sin - back * self._cos

    def floor(self) -> None:
        """Draw the floor's edges, with the weights' names and ranges at the two nearest ones."""
        pen, canvas = self._canvas.pen, self._canvas
        ws, bs = self._found.grids
        corners = [(ws[0], bs[0]), (ws[-1], bs[0]), (ws[-1], bs[-1]), (ws[0], bs[-1])]
        xs, ys, near = self.project(*zip(*corners, strict=True), cost=self._low)
        for start, end in zip(range(4), (1, 2, 3, 0), strict=True):
            canvas.line(xs[start], ys[start], xs[end], ys[end], pen.style("faint"))
        for start, end in zip(range(4), (1, 2, 3, 0), strict=True):
            if near[start] + near[end] < 0:
                continue
            axis = start % 2  # along w, b, w, b
            middle = (xs[start] + xs[end]) // 2, (ys[start] + ys[end]) // 2
            self._label(*middle, self._found.names[axis], "strong")
            for corner in (
                start,
                end,
            ):  # away from the corner, where the labels of two edges would meet
                x = xs[corner] + (middle[0] - xs[corner]) // 5
                y = ys[corner] + (middle[1] - ys[corner]) // 5
                self._label(x, y, rounded(corners[corner][axis], 2), "faint")

    def _label(self, x: int, y: int, text: str, meaning: str) -> None:
        """Write a text beside a point of the floor's edge, outside of the floor."""
        is_right = x // 2 >= self._canvas.columns // 2
        column = x // 2 + 2 if is_right else max(0, x // 2 - len(text) - 1)
        row = min(y // 4 + 1, self._canvas.rows - 1)
        self._canvas.write(column, row, text, self._canvas.pen.style(meaning))

    def surface(self) -> None:
        """Draw the mesh of the surface where nothing in front hides it."""
        found = self._found
        dense = 8 if self._canvas.columns <= 90 else 11
        net, cost = _finer(found.cost, dense)
        sizes = reversed(cost.shape)  # (b, w)
        ws, bs = (np.linspace(g[0], g[-1], n) for g, n in zip(found.grids, sizes, strict=True))
        xs, ys, near = self.project(ws[None, :], bs[:, None], cost)
        inside = (ys >= 0) & (ys < self._nearest.shape[0])
        inside &= (xs >= 0) & (xs < self._nearest.shape[1])
        np.maximum.at(self._nearest, (ys[inside], xs[inside]), near[inside])
        visible = inside.copy()
        visible[inside] = near[inside] >= self._nearest[ys[inside], xs[inside]] - 3 / self._down
        levels = (cost - self._low) / ((self._high - self._low) or 1.0) * (_TINTS - 1)
        levels = np.clip(np.round(levels), 0, _TINTS - 1).astype(int)
        self._body(xs[visible], ys[visible], levels[visible])
        places = np.stack([values[visible & net] for values in (ys, xs, levels)], axis=1)
        styles = [_tint(level) if self._canvas.pen.colour else "" for level in range(_TINTS)]
        for y, x, level in np.unique(places, axis=0).tolist():
            self._canvas.dot(x, y, self._canvas.over(x // 2, y // 4, styles[level]))

    def _body(self, xs: np.ndarray, ys: np.ndarray, levels: np.ndarray) -> None:
        """Erase what lies behind the surface, and fill its cells with a dim colour."""
        canvas, shape = self._canvas, (self._canvas.rows, self._canvas.columns)
        covered = np.isfinite(self._nearest).reshape(shape[0], 4, shape[1], 2).sum(axis=(1, 3))
        ground = np.zeros(shape, int)
        ground[ys // 4, xs // 2] = levels
        for row, column in np.argwhere(covered > 0).tolist():
            style = ""
            if canvas.pen.colour and covered[row, column] == 8:
                style = f"#000000 on {_tint(ground[row, column], dimmed=0.22)}"
            canvas.write(column, row, " ", style)

    def path(self) -> None:
        """Draw the path of the run on the surface, its start and end, and the lowest point."""
        pen, found, canvas = self._canvas.pen, self._found, self._canvas
        ws, bs = found.grids
        if not found.is_search:
            points = found.descents[0].weights[:, :2]
            inside = (points[:, 0] >= ws[0]) & (points[:, 0] <= ws[-1])
            points = points[inside & (points[:, 1] >= bs[0]) & (points[:, 1] <= bs[-1])]
            sign = pen.sign("●" if pen.colour else "o", "o")
            cells = {}
            for (w, b), cost in zip(points, map(self._cost_at, points), strict=True):
                x, y, _ = self.project(w, b, cost)
                cells[int(x) // 2, int(y) // 4] = sign
            for number, (column, row) in enumerate(cells):
                is_end = number in (0, len(cells) - 1)
                shown = sign if is_end or not pen.colour else pen.sign("•", "o")
                canvas.write(column, row, shown, canvas.over(column, row, pen.style("data strong")))
        if ws[0] <= found.lowest[0] <= ws[-1] and bs[0] <= found.lowest[1] <= bs[-1]:
            x, y, _ = self.project(found.lowest[0], found.lowest[1], found.lowest_cost)
            column, row = int(x) // 2, int(y) // 4
            style = canvas.over(column, row, pen.style("good strong"))
            canvas.write(column, row, pen.sign("★", "*"), style)

    def _cost_at(self, point: np.ndarray) -> float:
        """The cost at a point, interpolated linearly between the points of the grid."""
        ws, bs = self._found.grids
        row = np.interp(point[1], bs, np.arange(len(bs)))
        column = np.interp(point[0], ws, np.arange(len(ws)))
        top, left = min(int(row), len(bs) - 2), min(int(column), len(ws) - 2)
        patch = self._found.cost[top : top + 2, left : left + 2]
        across = patch[:, 0] + (patch[:, 1] - patch[:, 0]) * (column - left)
        return float(across[0] + (across[1] - across[0]) * (row - top))


def _finer(cost: np.ndarray, dense: int) -> tuple[np.ndarray, np.ndarray]:
    """Which points of the grid, made `dense` times finer, lie on the mesh; and that grid."""
    places = [np.arange((size - 1) * dense + 1) / dense for size in cost.shape]
    rows = np.stack([np.interp(places[1], np.arange(cost.shape[1]), line) for line in cost])
    fine = np.stack([np.interp(places[0], np.arange(cost.shape[0]), line) for line in rows.T]).T
    on = [np.isclose(place % _MESH, 0) for place in places]
    return on[0][:, None] | on[1][None, :], fine


def _tint(level: int, dimmed: float = 1.0) -> str:
    """The colour of a level, from light blue to yellow; dimmed between the lines."""
    low, high = np.array((86, 180, 233)), np.array((254, 232, 56))
    return hexadecimal((low + (high - low) * level / (_TINTS - 1)) * dimmed)


def _words(found: Landscape, frame: Frame) -> list[Text]:
    pen, names = frame.pen, found.names
    lowest = ", ".join(
        f"{name} {rounded(value, 3)}" for name, value in zip(names, found.lowest, strict=True)
    )
    angle = (_FIRST + frame.at * 360 // _ANGLES) % 360
    star = sentence(
        (pen.sign("★", "*"), "good strong"),
        f" {lowest}: cost {rounded(found.lowest_cost)}",
        (f"   height {rounded(float(found.cost.min()))} to {tick_text(float(found.cost.max()))}"
         f"   turned by {angle} degrees", "faint"),
        pen=pen,
    )  # fmt: skip
    if found.is_search:
        return [star]
    descent = found.descents[0]
    of = f" of {descent.steps}" if descent.current is not None else ""
    way = f" {descent.label}, {len(descent.losses)}{of} steps"
    return [sentence((pen.sign("●", "o"), "data strong"), way, pen=pen), star]


def places(found: Landscape) -> int:
    """The number of angles in a full turn."""
    return _ANGLES


VIEW = View(
    "Cost surface in 3-D",
    "landscape",
    draw,
    places,
    "angle",
    accepts=has_two_weights,
    unavailable_text="Only a model with two or three weights has a cost surface.",
    suits=lambda traits: traits.single_weights in (2, 3),
)
