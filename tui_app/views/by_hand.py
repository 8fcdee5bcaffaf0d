"""Draws training by hand: the arrow keys move the weights, and the cost follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.pen import hexadecimal, ramp
from tui_app.drawing.plot import Plot
from tui_app.drawing.table import sentence
from tui_app.text.columns import Column, aligned, natural_widths
from tui_app.text.quantities import rounded
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.by_hand import ByHand

#: How far an arrow key moves a weight, and how many tries are kept.
_STEP, _TRIES = 0.1, 200

_DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, 1), "down": (0, -1)}


def query_after_key(found: ByHand, query: str, key: str) -> str:
    """The weights tried so far and the next ones; nothing after `home`, which starts over."""
    direction = _DIRECTIONS.get(key.removeprefix("shift+"))
    if direction is None:
        return "" if key == "home" else query
    tried = query.split() or [_weights_text(found.tried[-1])]
    now = np.array([float(number) for number in tried[-1].split(",")])
    by = np.array(direction[: len(now)]) if len(now) > 1 else np.array([sum(direction)])
    step = _STEP / 10 if key.startswith("shift+") else _STEP
    return " ".join([*tried, _weights_text(now + step * by)][-_TRIES:])


def _weights_text(weights: np.ndarray) -> str:
    return ",".join(f"{round(float(weight), 6) + 0.0:g}" for weight in weights)


def draw(found: ByHand, frame: Frame) -> list[Text]:
    """The tries so far; the curve appears once the user found its lowest point."""
    words = _words(found, frame)
    canvas = Canvas(frame.columns, frame.rows - len(words), frame.pen)
    if len(found.names) == 1:
        _curve(canvas, found)
    else:
        _plane(canvas, found)
    return [*canvas.lines(), *words]


def _curve(canvas: Canvas, found: ByHand) -> None:
    pen, (low, high) = canvas.pen, found.ranges[0]
    top = float(max(found.curve.max(), found.costs.max())) * 1.05
    margin = 0.03 * (high - low)
    plot = Plot(canvas, (low - margin, high + margin), (-0.04 * top, top))
    plot.axes(found.names[0], f"cost ({found.reduction} squared error)", centred=True)
    if found.is_lowest:
        plot.curve(found.grid, found.curve, pen.style("faint"))
    for w, cost in zip(found.tried[:, 0], found.costs, strict=True):
        plot.mark(w, cost, pen.sign("•", "o"), pen.style("model"))
    least = int(found.costs.argmin())
    plot.mark(
        found.tried[least, 0], found.costs[least], pen.sign("★", "*"), pen.style("good strong")
    )
    plot.mark(found.tried[-1, 0], found.costs[-1], pen.sign("◆", "@"), pen.style("data strong"))


def _plane(canvas: Canvas, found: ByHand) -> None:
    """Both weights: the lighter a mark, the lower the cost there."""
    pen = canvas.pen
    xs, ys = ((low - 0.1, high + 0.1) for low, high in found.ranges)
    plot = Plot(canvas, xs, ys)
    plot.axes(found.names[0], found.names[1])
    shares = 1 - np.sqrt(found.costs / max(float(found.costs.max()), 1e-12))
    for (w, b), share in zip(found.tried, shares, strict=True):
        style = hexadecimal(ramp(np.array(0.2 + 0.8 * share))) if pen.colour else ""
        plot.mark(w, b, pen.sign("■", "o") if pen.colour else pen.shade(0.3 + 0.7 * share), style)
    (w, b), (best_w, best_b) = found.tried[-1], found.tried[int(found.costs.argmin())]
    plot.mark(best_w, best_b, pen.sign("★", "*"), pen.style("good strong"))
    plot.mark(w, b, pen.sign("◆", "@"), pen.style("data strong"))


def _words(found: ByHand, frame: Frame) -> list[Text]:
    pen = frame.pen
    now = ", ".join(
        f"{name} = {rounded(value)}"
        for name, value in zip(found.names, found.tried[-1], strict=True)
    )
    mark = (pen.sign("◆", "@"), "data strong")
    lines = [sentence(mark, (f" {now}: cost {rounded(found.costs[-1])}", "strong"), pen=pen)]
    if found.is_lowest:
        lines.append(sentence(("No arrow step lowers the cost any further.", "good"), pen=pen))
    else:
        slopes = ", ".join(
            f"dcost/d{name} = {rounded(value, 3)}"
            for name, value in zip(found.names, found.slope, strict=True)
        )
        name = found.names[0]
        where = f" cost falls to the right: increase {name}"
        if found.slope[0] > 0:
            where = f" cost falls to the left: decrease {name}"
        hint = f":{where}" if len(found.names) == 1 else ": go against it"
        lines.append(sentence((f"slope {slopes}{hint}", "faint"), pen=pen))
    least = int(found.costs.argmin())
    best = f"tried {len(found.tried)}, lowest cost so far {rounded(found.costs[least])}"
    lines.append(sentence((pen.sign("★", "*"), "good strong"), (f" {best}", "faint"), pen=pen))
    if frame.rows >= 16 and len(found.rows):
        head = ["x", "y" if pen.ascii else "ŷ", "target", "loss"]
        rows = [[rounded(value) for value in row] for row in found.rows]
        columns = [Column(title, right=True) for title in head]
        widths = natural_widths([head, *rows])
        texts = [aligned(columns, row, widths) for row in [head, *rows]]
        lines += [sentence((text, "faint"), pen=pen) for text in texts]
    return lines


VIEW = View(
    "By hand",
    "by_hand",
    draw,
    query_after_key=query_after_key,
    unavailable_text="Only a model with one or two weights can be trained by hand.",
    suits=lambda traits: traits.single_weights in (1, 2),
)
