"""Draws a page of samples: the class of each, the predicted class and its probability."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.table import sentence
from tui_app.views.shared.sample_tiles import draw_tiles
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.predictions import Predictions


def draw(found: Predictions, frame: Frame) -> list[Text]:
    """The samples from the place on."""
    canvas = Canvas(frame.columns, frame.rows - 1, frame.pen)
    places = np.arange(len(found.targets))[frame.at :]
    count = draw_tiles(canvas, found, places)
    right = float((found.predicted == found.targets).mean())
    shown = f"samples {frame.at + 1} to {frame.at + count} of {len(found.targets)}"
    words = sentence(
        f"{shown}, {found.measured} set",
        (f"   accuracy {100 * right:.2f} %", "good"),
        pen=frame.pen,
    )
    return [*canvas.lines(), words]


def _places(found: Predictions) -> int:
    return len(found.targets)


VIEW = View(
    "Samples",
    "predictions",
    draw,
    _places,
    "sample",
    unavailable_text="Only a model that predicts classes has predictions for samples.",
    suits=lambda traits: traits.has_predictions,
)
