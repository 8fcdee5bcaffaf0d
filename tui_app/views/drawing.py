"""Draws the user's drawing as the model sees it, and every class with its probability."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.raster import brightness, fit_image
from tui_app.drawing.table import bar, wrapped
from tui_app.text.cells import padded
from tui_app.views.shared.sample_tiles import HEIGHT, WIDTH
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.drawing import Drawing


def draw(found: Drawing, frame: Frame) -> list[Text]:
    """The classes in a fixed order, so that each bar stays in its row while the user draws."""
    prediction, pen = found.prediction, frame.pen
    if found.seen is None:
        text = "Draw on the pad: the model's prediction appears here."
        return wrapped(text, frame.columns, pen)
    canvas = Canvas(frame.columns, frame.rows, pen)
    best = int(prediction.probabilities.argmax())
    names = min(14, max(map(len, prediction.classes)) + 1)
    percent = f"{100 * prediction.probabilities[best]:.0f} %"
    canvas.write(0, 0, f"{prediction.classes[best]}, {percent}", pen.style("good strong"))
    for row, name in enumerate(prediction.classes[: frame.rows - 2], start=2):
        share = float(prediction.probabilities[row - 2])
        style = pen.style("good strong" if row - 2 == best else "model")
        canvas.write(0, row, f"{padded(name, names)}{100 * share:5.1f} %", style)
        canvas.write(names + 8, row, bar(share, frame.columns - names - 9, pen), style)
    top = len(prediction.classes) + 3
    if frame.rows - top > HEIGHT:
        canvas.write(0, top, "as the model sees it", pen.style("faint"))
        canvas.pixels(0, top + 1, fit_image(brightness(found.seen), WIDTH, HEIGHT))
    return canvas.lines()


VIEW = View(
    "Draw",
    "drawing",
    draw,
    takes_drawing=True,
    unavailable_text="Only a model that predicts classes of images can read a drawing.",
    suits=lambda traits: traits.is_image and traits.has_predictions,
)
