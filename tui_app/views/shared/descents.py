"""Draws the paths of gradient descents: their signs, their legend, and the largest stable lr."""

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

#: How each path is drawn: its sign, the sign in ASCII or without colour, the meaning of its colour.
_PATH_SIGNS = (("●", "o", "data strong"), ("▲", "x", "mark"), ("■", "+", "good"))


def path_sign(number: int, pen: Pen) -> tuple[str, str]:
    """The sign of a path, and the meaning of its colour."""
    sign, plain, meaning = _PATH_SIGNS[number % len(_PATH_SIGNS)]
    return (plain if pen.ascii or not pen.colour else sign), meaning


def thin_out(plot: Plot, points: np.ndarray, cells: float = 7.0) -> np.ndarray:
    """Points (n, weights) at least `cells` cells apart from the one before, and the last point."""
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


def path_legend(found: Landscape, frame: Frame) -> list[Text]:
    """The sign of each path, how many steps it has, and where it ends."""
    paths: list[list[tuple[str, str] | str]] = []
    for number, descent in enumerate(found.descents):
        progress = _progress(descent, frame.at if number == 0 else 0)
        paths.append([path_sign(number, frame.pen), f" {descent.label}", (f" {progress}", "faint")])
    return flowed(paths, frame.columns, frame.pen)


def _progress(descent: Descent, at: int) -> str:
    steps = at or len(descent.losses)
    place = _place(descent.weights[min(steps, len(descent.weights) - 1)])
    if at or descent.current is None:
        return f"{counted(steps, 'step')}: {place}"
    return f"the first {steps} of {counted(descent.steps, 'step')}, then {_place(descent.current)}"


def _place(weights: np.ndarray) -> str:
    if not np.isfinite(weights).all():
        return "diverged"
    return ", ".join(f"{weight:.3g}" for weight in weights[:2])


def stability_line(found: Landscape, frame: Frame) -> Text:
    """The lr beside the largest stable one, 2 / curvature (LeCun, Kanter and Solla, 1991)."""
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
    """The places of a view: every step of the run, and an overview."""
    return len(found.descents[0].losses) + 1
