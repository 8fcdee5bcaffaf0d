"""Training by hand: one moves w step by step, and the cost answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tui_app.views.canvas import Canvas
from tui_app.views.plot import Plot, span
from tui_app.views.table import nothing, sentence, tidy
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.training.probes.line import Line

#: What w may be: lecture 2's candidates.
_WEIGHTS = np.arange(41) / 10

#: Samples whose errors are written out.
_WRITTEN = 3


def draw(found: Line | None, frame: Frame) -> list[Text]:
    """Left the line ŷ = x·w with its errors, right the costs of the weights passed so far."""
    if found is None or found.classes:
        return nothing("One weight by hand takes one number in, and one out.", frame.columns,
                       frame.pen)  # fmt: skip
    pen, at = frame.pen, min(frame.at, len(_WEIGHTS) - 1)
    w = float(_WEIGHTS[at])
    costs = ((_WEIGHTS[:, None] * found.x - found.y) ** 2).mean(axis=1)
    canvas = Canvas(frame.columns, frame.rows - 4, pen)
    half = frame.columns // 2
    ys = span(np.array([0.0, found.y.max(), found.x.max() * 3]))
    left = Plot(canvas, (0.0, float(found.x.max()) * 1.15), ys, columns=half - 1)
    left.axes("x", "y")
    for x, y in zip(found.x, found.y, strict=True):
        left.curve([x, x], [x * w, y], pen.style("bad"))
    left.curve([0.0, left.xs[1]], [0.0, left.xs[1] * w], pen.style("model"))
    for x, y in zip(found.x, found.y, strict=True):
        left.mark(x, y, pen.sign("●", "o"), pen.style("data strong"))
    right = Plot(canvas, (-0.1, 4.1), (-0.05 * costs.max(), costs.max() * 1.08), left=half)
    right.axes("w", "cost")
    for passed in range(at + 1):
        sign = pen.sign("◆", "@") if passed == at else pen.sign("•", "o")
        style = pen.style("data strong" if passed == at else "model")
        right.mark(float(_WEIGHTS[passed]), float(costs[passed]), sign, style)
    return [*canvas.lines(), *_words(found, w, costs, at, frame)]


def _words(found: Line, w: float, costs: np.ndarray, at: int, frame: Frame) -> list[Text]:
    """The cost worked out, and whether the last step was a good one."""
    pen = frame.pen
    terms = [
        f"({tidy(float(x))}·{w:.1f} - {tidy(float(y))})²"
        for x, y in zip(found.x[:_WRITTEN], found.y, strict=False)
    ]
    more = " + ..." if len(found.x) > _WRITTEN else ""
    lines = [
        sentence((f"w = {w:.1f}", "strong"), f"   cost = ({' + '.join(terms)}{more}) / "
                 f"{len(found.x)}", pen=pen),
        sentence(("     = ", ""), (tidy(float(costs[at])), "strong"), pen=pen),
    ]  # fmt: skip
    if at:
        change = float(costs[at] - costs[at - 1])
        text = "less" if change < 0 else "more"
        meaning = "good" if change < 0 else "bad"
        lines.append(sentence((f"{tidy(abs(change))} {text} than at {w - 0.1:.1f}", meaning),
                              pen=pen))  # fmt: skip
    return lines


VIEW = View("By hand", "line", draw, lambda found: len(_WEIGHTS) if found else 0, "w")
