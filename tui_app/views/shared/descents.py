"""Ways down a cost, several in one picture: their signs, their legend, the lr that it can bear."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tui_app.drawing.pen import Pen
from tui_app.drawing.plot import Plot
from tui_app.drawing.table import flowed, sentence
from tui_app.text.quantities import counted
from tui_app.views.view import Frame

if TYPE_CHECKING:
    from tui_app.inspection.probes.landscape import Descent, Landscape

#: How each way is drawn: its sign, the one in ASCII or without colour, what its colour means.
_WAYS = (("●", "o", "data strong"), ("▲", "x", "mark"), ("■", "+", "good"))


def sign_of(number: int, pen: Pen) -> tuple[str, str]:
    """The sign of a way, and what its colour means."""
    sign, plain, meaning = _WAYS[number % len(_WAYS)]
    return (plain if pen.ascii or not pen.colour else sign), meaning


def apart(plot: Plot, points: np.ndarray, cells: float = 7.0) -> np.ndarray:
    """Of points (n, w and more) those that lie so many cells from the one before, and the last."""
    if not len(points):
        return points
    with np.errstate(over="ignore"):
        xs = plot.x(points[:, 0]) / 2
        ys = plot.y(points[:, 1]) / 2 if points.shape[1] > 1 else np.zeros(len(points))
    kept = [0]
    for number in range(1, len(points)):
        if max(abs(xs[number] - xs[kept[-1]]), abs(ys[number] - ys[kept[-1]])) >= cells:
            kept.append(number)
    return points[[*kept, len(points) - 1]]


def legend(found: Landscape, frame: Frame) -> list[Text]:
    """Which way is which, how many steps it has, and where it ends."""
    ways: list[list[tuple[str, str] | str]] = []
    for number, descent in enumerate(found.descents):
        told = _told(descent, frame.at if number == 0 else 0)
        ways.append([sign_of(number, frame.pen), f" {descent.label}", (f" {told}", "faint")])
    return flowed(ways, frame.columns, frame.pen)


def _told(descent: Descent, at: int) -> str:
    steps = at or len(descent.losses)
    place = _place(descent.weights[min(steps, len(descent.weights) - 1)])
    if at or descent.current is None:
        return f"{counted(steps, 'step')}: {place}"
    return f"the first {steps} of {counted(descent.steps, 'step')}, then {_place(descent.current)}"


def _place(weights: np.ndarray) -> str:
    if not np.isfinite(weights).all():
        return "diverged"
    return ", ".join(f"{weight:.3g}" for weight in weights[:2])


def stability(found: Landscape, frame: Frame) -> Text:
    """What learning rate this cost can bear (LeCun, Kanter and Solla, 1991)."""
    if not found.curvature:
        return sentence((f"lr {found.lr:g}", "faint"), pen=frame.pen)
    if not found.is_plain_descent or not np.isfinite(found.max_stable_lr):
        text = f"lr {found.lr:g}; curvature {found.curvature:.4g} at the lowest point"
        return sentence((text, "faint"), pen=frame.pen)
    limit = f"2 / curvature = 2 / {found.curvature:.4g} = {found.max_stable_lr:.4g}"
    if not found.is_whole_batch:
        text = f"lr {found.lr:g}; full-batch limit {limit}"
        return sentence((text, "faint"), pen=frame.pen)
    verdict = "below" if found.lr < found.max_stable_lr else "NOT below"
    return sentence(
        f"lr {found.lr:g} is ",
        (verdict, "good" if verdict == "below" else "bad strong"),
        f" {limit}, its limit",
        pen=frame.pen,
    )


def places(found: Landscape) -> int:
    """The steps of the run's own way, one by one, and all of them at once."""
    return len(found.descents[0].losses) + 1
