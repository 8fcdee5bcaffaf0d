"""Draws every class with its probability, for an input that the user typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.table import bar, wrapped
from tui_app.text.cells import padded
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.answer import InputPrediction


def draw(found: InputPrediction, frame: Frame) -> list[Text]:
    """The classes, the most probable first."""
    if found.problem:
        return wrapped(f"Type {found.input_help}: {found.problem}", frame.columns, frame.pen, "bad")
    if not found.input:
        return wrapped(f"Type {found.input_help}.", frame.columns, frame.pen)
    pen = frame.pen
    canvas = Canvas(frame.columns, frame.rows, pen)
    order = np.argsort(-found.probabilities)
    canvas.write(0, 0, f"{found.input}: {found.classes[order[0]]}", pen.style("strong"))
    names = min(20, max(map(len, found.classes)) + 1)
    for row, place in enumerate(order[: frame.rows - 2], start=2):
        share = float(found.probabilities[place])
        style = pen.style("good strong" if row == 2 else "model")
        canvas.write(0, row, f"{padded(found.classes[place], names)} {100 * share:6.2f} %", style)
        canvas.write(names + 11, row, bar(share, frame.columns - names - 12, pen), style)
    return canvas.lines()[: len(order) + 2]


VIEW = View(
    "Ask the model",
    "answer",
    draw,
    query_hint="a name, numbers, or the path of a picture",
    unavailable_text="Only a model that predicts classes can be asked.",
    suits=lambda traits: traits.has_predictions,
)
