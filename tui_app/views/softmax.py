"""Draws softmax and cross-entropy of one sample, computed in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.raster import brightness, fit_image
from tui_app.drawing.table import bar, sentence
from tui_app.text.cells import padded
from tui_app.views.shared.sample_tiles import is_image, text_at
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.predictions import Predictions

#: Cells of the sample's picture.
_WIDTH, _HEIGHT = 28, 14


def draw(found: Predictions, frame: Frame) -> list[Text]:
    """Logits, exponentials, probabilities and the loss: one class a line."""
    pen, place = frame.pen, frame.at
    canvas = Canvas(frame.columns, frame.rows, pen)
    left = 0
    if is_image(found) and frame.columns >= 76:
        canvas.pixels(
            0, 1, fit_image(brightness(found.inputs[place]), _WIDTH, min(_HEIGHT, frame.rows - 4))
        )
        left = _WIDTH + 3
        canvas.write(0, 0, f"sample {found.rows[place] + 1} of the {found.measured} set")
    else:
        canvas.write(0, frame.rows - 3, text_at(found, place), pen.style("faint"))
    shown = _table(canvas, found, place, left)
    lines = canvas.lines()
    words = _loss(found, place, frame)
    top = max(shown + 1, _HEIGHT + 2 if left else 0)
    return [*lines[: min(top, frame.rows - len(words))], *words]


def _table(canvas: Canvas, found: Predictions, place: int, left: int) -> int:
    """Draw the table; return how many rows it took."""
    pen, truth = canvas.pen, int(found.targets[place])
    logits, probabilities = found.logits[place], found.probabilities[place]
    order = np.arange(len(logits))
    room = canvas.rows - 5
    if len(order) > room:  # the most probable ones, and always the true one
        order = np.argsort(-probabilities)[:room]
        order = order if truth in order else np.append(order[:-1], truth)
    names = min(14, max(len(found.classes[i]) for i in order) + 2)
    canvas.write(
        left, 0, f"{'class':<{names}} {'logit z':>8} {'e^z':>10} {'P':>8}", pen.style("faint")
    )
    bars = max(4, canvas.columns - left - names - 31)
    for row, number in enumerate(order, start=1):
        style = "good strong" if number == truth else ""
        if number == probabilities.argmax() and number != truth:
            style = "bad"
        marker = pen.sign("◀", "<") if number == truth else " "
        name = padded(found.classes[number], names - 2)
        text = f"{name} {marker} {logits[number]:8.3f} {_e(logits[number]):>10}"
        canvas.write(left, row, f"{text} {100 * probabilities[number]:6.2f} %", pen.style(style))
        start = left + names + 31
        canvas.write(
            start, row, bar(float(probabilities[number]), bars, pen), pen.style(style or "model")
        )
    total = float(np.exp(logits.astype(np.float64)).sum())
    row = len(order) + 1
    canvas.write(
        left,
        row,
        f"{'sum':<{names}} {'':8} {_sum_text(total):>10} {100:6.2f} %",
        pen.style("faint"),
    )
    return row + 1


def _e(logit: float) -> str:
    return _sum_text(float(np.exp(np.float64(logit))))


def _sum_text(value: float) -> str:
    return f"{value:.4f}" if 1e-3 <= value < 1e4 else f"{value:.2e}"


def _loss(found: Predictions, place: int, frame: Frame) -> list[Text]:
    """-log P, computed from the probability, and from the logits, which can't overflow."""
    truth = int(found.targets[place])
    logits, share = found.logits[place].astype(np.float64), float(found.probabilities[place, truth])
    top = float(logits.max())
    log_sum = top + float(np.log(np.exp(logits - top).sum()))
    z, loss = float(logits[truth]), float(found.losses[place])
    name = found.classes[truth]
    return [
        sentence(
            ("loss", "strong"),
            f" = -log P({name}) = -log {share:.6f} = ",
            (f"{loss:.4f}", "good" if loss < np.log(len(logits)) else "bad"),
            (f"   guessing: log {len(logits)} = {np.log(len(logits)):.4f}", "faint"),
            pen=frame.pen,
        ),
        sentence(
            (f"     = log sum e^z - z = {log_sum:.4f} - {z:.4f} = {log_sum - z:.4f}", "faint"),
            pen=frame.pen,
        ),
    ]


def _places(found: Predictions) -> int:
    return len(found.targets)


VIEW = View(
    "Softmax in numbers",
    "predictions",
    draw,
    _places,
    "sample",
    accepts=lambda found: found.logits.shape[1] > 1,
    unavailable_text="Only a model with a logit for each class has a softmax.",
    suits=lambda traits: traits.has_predictions and traits.task == "multiclass",
)
