"""Draws how well the model predicts each class, beside the score of always naming the largest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.cells import cell_len
from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.table import bar, sentence, wrapped
from tui_app.text.cells import padded
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.predictions import Predictions

_BINS = 20


def draw(found: Predictions, frame: Frame) -> list[Text]:
    """Two classes: histograms of the probability. More: recall and precision of each class."""
    words = _baseline(found, frame)
    canvas = Canvas(frame.columns, frame.rows - len(words) - 1, frame.pen)
    if len(found.classes) == 2:
        _histograms(canvas, found)
    else:
        _shares(canvas, found)
    return [*canvas.lines(), Text(), *words]


def _histograms(canvas: Canvas, found: Predictions) -> None:
    """P(class 1) from left to right; one histogram for the samples of each class."""
    pen, half = canvas.pen, canvas.rows // 2
    width = canvas.columns - 1
    for number, name in enumerate(found.classes):
        shares = found.probabilities[found.targets == number, 1]
        counts, _ = np.histogram(shares, bins=_BINS, range=(0, 1))
        top = number * half
        text = f"{len(shares)} of class {name}"
        canvas.write(0, top, text, pen.style("data" if number else "model"))
        canvas.write(
            len(text), top, f": P({found.classes[1]}) {_range(shares)}", pen.style("faint")
        )
        height = half - 3
        for bin_, count in enumerate(counts):
            _column(canvas, bin_, int(count), int(counts.max()), top + 1, height, width, number)
        canvas.write(0, top + 1 + height, pen.sign("─", "-") * width, pen.style("faint"))
        for value in (0, 0.5, 1):
            x = min(round(value * width), width - 1)
            canvas.write(x, top + 2 + height, f"{value:g}", pen.style("faint"))


def _range(shares: np.ndarray) -> str:
    if not len(shares):
        return "-"
    return f"from {shares.min():.3f} to {shares.max():.3f}, mean {shares.mean():.3f}"


def _column(
    canvas: Canvas, bin_: int, count: int, most: int, top: int, height: int, width: int, kind: int
) -> None:
    """One bar of a histogram, in eighths of a cell."""
    pen = canvas.pen
    start, end = round(bin_ * width / _BINS), round((bin_ + 1) * width / _BINS) - 1
    eighths = round(count / max(1, most) * height * 8)
    eighths = max(1, eighths) if count else 0
    style = pen.style("data" if kind else "model")
    for row in range(height):
        filled = max(0, min(8, eighths - 8 * (height - 1 - row)))
        sign = (
            ("#" if filled >= 4 else "." if filled else " ") if pen.ascii else " ▁▂▃▄▅▆▇█"[filled]
        )
        canvas.write(start, top + row, sign * max(1, end - start), style)


def _shares(canvas: Canvas, found: Predictions) -> None:
    """One class a line: its samples, its recall and its precision."""
    pen, counts = canvas.pen, found.confusion
    names = min(14, max(6, *map(len, found.classes)) + 1)
    titles = ("recall", "precision") if pen.ascii else ("recall 召回率", "precision 精确率")
    right_part = f"{padded(titles[0], 14, right=True)} {padded(titles[1], 17, right=True)}"
    head = f"{padded('class', names)} {'samples':>8} {right_part}"
    canvas.write(0, 0, head, pen.style("faint"))
    bars = max(5, canvas.columns - cell_len(head) - 2)
    for row, name in enumerate(found.classes[: canvas.rows - 1]):
        samples, predicted, right = counts[row].sum(), counts[:, row].sum(), counts[row, row]
        recall = right / samples if samples else 0.0
        precision = f"{100 * right / predicted:.1f} %" if predicted else "never predicted"
        text = f"{padded(name, names)} {samples:8d} {100 * recall:12.1f} % {precision:>17}"
        style = pen.style("bad" if recall < 0.5 else "model")
        canvas.write(0, row + 1, text, pen.style("bad" if recall < 0.5 else ""))
        canvas.write(cell_len(head) + 2, row + 1, bar(float(recall), bars, pen), style)


def _baseline(found: Predictions, frame: Frame) -> list[Text]:
    """The accuracy beside that of always predicting the majority class."""
    shares = np.bincount(found.targets, minlength=len(found.classes)) / len(found.targets)
    right, most = float((found.predicted == found.targets).mean()), int(shares.argmax())
    count = len(np.unique(found.predicted))
    first = sentence(
        f"accuracy {100 * right:.2f} %",
        (f"   always {found.classes[most]}: {100 * shares[most]:.2f} %", "data"),
        (f"   {len(found.targets)} samples, {found.measured} set", "faint"),
        pen=frame.pen,
    )
    if count == 1:
        only = found.classes[int(found.predicted[0])]
        text = f"It predicts {only} for every sample: it learned only how frequent each class is."
        return [first, *wrapped(text, frame.columns, frame.pen, "bad")]
    gain = 100 * (right - float(shares[most]))
    text = (
        f"{abs(gain):.2f} points {'above' if gain > 0 else 'below'} the majority class's accuracy"
    )
    return [first, sentence((text, "good" if gain > 0 else "bad"), pen=frame.pen)]


VIEW = View(
    "Predictions by class",
    "predictions",
    draw,
    unavailable_text="Only a model that predicts classes has predictions by class.",
    suits=lambda traits: traits.has_predictions,
)
