"""Draws the wrong predictions, the one with the largest loss first."""

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
    """Wrong predictions by decreasing loss, from the place on."""
    wrong = by_loss(found)
    canvas = Canvas(frame.columns, frame.rows - 1, frame.pen)
    draw_tiles(canvas, found, wrong[frame.at :])
    if not len(wrong):
        canvas.write(0, 0, f"No mistake in {len(found.targets)} samples.", frame.pen.style("good"))
    share = len(wrong) / len(found.targets)
    text = f"{len(wrong)} of {len(found.targets)} are wrong, {100 * share:.2f} %"
    loss = f"   largest loss {found.losses[wrong[0]]:.3g}" if len(wrong) else ""
    return [*canvas.lines(), sentence((text, "bad"), (loss, "faint"), pen=frame.pen)]


def by_loss(found: Predictions) -> np.ndarray:
    """The places of the wrong predictions, the largest loss first."""
    wrong = np.flatnonzero(found.predicted != found.targets)
    return wrong[np.argsort(-found.losses[wrong], kind="stable")]


def _places(found: Predictions) -> int:
    return max(1, len(by_loss(found)))


VIEW = View(
    "Worst mistakes",
    "predictions",
    draw,
    _places,
    "mistake",
    unavailable_text="Only a model that predicts classes can be wrong about one.",
    suits=lambda traits: traits.has_predictions,
)
