"""Draws what an lr finder found: the loss against the lr, with the lrs that can be chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.pen import Pen
from tui_app.drawing.plot import Plot
from tui_app.drawing.table import flowed, sentence
from tui_app.drawing.ticks import log_ticks, tick_text
from tui_app.text.quantities import short_loss
from tui_app.views.view import Frame

if TYPE_CHECKING:
    from tui_app.inspection.lr_finder.finding import LrFinding

#: The sign of each lr, the sign in ASCII, and the meaning of its colour.
_SIGNS = {
    "suggestion": ("●", "o", "good strong"),
    "valley": ("◆", "@", "data strong"),
    "steepest": ("▼", "v", "mark strong"),
    "below the limit": ("┊", "|", "bad strong"),
}

#: Losses above the first one by more than this share of the fall lie outside of the chart.
_ABOVE = 0.35


def lr_chart(found: LrFinding, frame: Frame, chosen: str = "") -> list[Text]:
    """The chart above the words, at most as many rows as the frame has; `chosen` is the name of one
    of the finding's choices.
    """
    words = [*_legend(found, frame, chosen), *_verdict(found, frame.pen)]
    if len(found.lrs) < 2:
        return words[: frame.rows]
    canvas = Canvas(frame.columns, max(6, frame.rows - len(words)), frame.pen)
    _draw(found, canvas, chosen)
    return [*canvas.lines(), *words][: frame.rows]


def _draw(found: LrFinding, canvas: Canvas, chosen: str) -> None:
    pen = canvas.pen
    logs = np.log10(found.lrs)
    ends = [logs[0], logs[-1]]
    ends += [math.log10(found.limit.fails)] if found.limit else []
    xs = (min(ends), max(ends) + 0.02 * (max(ends) - min(ends)) + 1e-6)
    plot = Plot(canvas, xs, _losses_shown(found))
    marks = log_ticks(*xs, max(2, plot.columns // 10))
    plot.axes("lr", "loss", x_ticks=[(mark, tick_text(10**mark)) for mark in marks])
    for log, loss in zip(logs, found.losses, strict=True):
        if plot.ys[0] <= loss <= plot.ys[1]:
            canvas.dot(round(plot.x(log)), round(plot.y(loss)), pen.style("faint"))
    if found.limit is not None:
        plot.upright(math.log10(found.limit.lr), pen.style("bad"))
    smoothed = np.minimum(found.smoothed, 2 * plot.ys[1] - plot.ys[0])
    plot.curve(logs, smoothed, pen.style("model"))
    for name, lr in _marked(found.choices, chosen):
        sign, meaning = _sign(name, pen)
        height = float(np.clip(np.interp(math.log10(lr), logs, smoothed), *plot.ys))
        style = f"{pen.style(meaning)} {pen.style('here') if name == chosen else ''}".strip()
        plot.mark(math.log10(lr), height, sign, style)


def _marked(choices: Mapping[str, float], chosen: str) -> list[tuple[str, float]]:
    """The choices to mark on the curve, the chosen one on top; the limit is a line."""
    names = [name for name in choices if name not in (chosen, "below the limit")]
    return [(name, choices[name]) for name in [*names[::-1], *filter(choices.get, [chosen])]]


def _losses_shown(found: LrFinding) -> tuple[float, float]:
    """The range of the loss axis: the smoothed loss, and little of what rises above its start."""
    smoothed = np.asarray(found.smoothed)
    smoothed = smoothed[np.isfinite(smoothed)]
    if not len(smoothed):
        return 0.0, 1.0
    low, begun = float(smoothed.min()), float(smoothed[: max(1, len(smoothed) // 10)].max())
    more = (begun - low) or abs(low) or 1.0
    return low - 0.06 * more, min(float(smoothed.max()), begun + _ABOVE * more) + 0.06 * more


def _legend(found: LrFinding, frame: Frame, chosen: str) -> list[Text]:
    groups: list[list[tuple[str, str] | str]] = []
    for name, lr in found.choices.items():
        sign, meaning = _sign(name, frame.pen)
        style = "here" if name == chosen else ""
        groups.append([(sign, meaning), " ", (f"{name} {lr:.3g}", style)])
    return flowed(groups, frame.columns, frame.pen)


def _verdict(found: LrFinding, pen: Pen) -> list[Text]:
    """What happens from the limit on, and how the suggestion did."""
    if found.trial is None:
        is_finite = math.isfinite(found.losses[0])
        problem = "falls at no learning rate" if is_finite else "isn't finite in the first step"
        return [sentence((f"The loss {problem}.", "bad strong"), pen=pen)]
    if found.limit is None:
        limit = sentence(
            (f"trains up to lr {found.highest:g}, the highest tried", "faint"), pen=pen
        )
    else:
        verb = "diverges" if found.limit.diverges else "learns nothing"
        limit = sentence((f"{verb} from lr {found.limit.lr:.3g}", "bad strong"), pen=pen)
    before, after = short_loss(found.trial.before), short_loss(found.trial.loss)
    tried = f"lr {found.trial.lr:g}: loss {before} to {after} in {found.trial.steps} steps"
    lr = found.settings_lr
    return [limit, sentence((tried, "good"), (f"   the settings have lr {lr:g}", "faint"), pen=pen)]


def _sign(name: str, pen: Pen) -> tuple[str, str]:
    sign, plain, meaning = _SIGNS[name]
    return pen.sign(sign, plain), meaning
