"""Draws how the prediction for one sample changed: a row for each epoch, a bar for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.raster import brightness, fit_image
from tui_app.drawing.table import bar, sentence, wrapped
from tui_app.text.cells import cut_distinct
from tui_app.text.quantities import counted
from tui_app.views.shared.sample_tiles import HEIGHT, WIDTH, sample_as_text
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.changes import Changes

#: The cells left of the bars, for the epoch and a sign for right or wrong; the widest bar.
_MARGIN, _WIDEST = 8, 16


def draw(found: Changes, frame: Frame) -> list[Text]:
    """What the model predicted for the sample at the place after each epoch, with probabilities."""
    at = min(frame.at, len(found.rows) - 1)
    words = _words(found, at, frame)
    canvas = Canvas(frame.columns, max(2, frame.rows - len(words)), frame.pen)
    left = high = 0
    if found.inputs.ndim == 4 and frame.columns >= 76:
        canvas.pixels(0, 0, fit_image(brightness(found.inputs[at]), WIDTH, HEIGHT))
        left, high = WIDTH + 2, HEIGHT
    used = max(high, _grid(canvas, found, at, left))
    return [*canvas.lines()[: used + 1], *words]


def _grid(canvas: Canvas, found: Changes, at: int, left: int) -> int:
    """Draw epochs from the top down, as many as fit; the true class stands out. Return how many
    rows that took.
    """
    pen, truth = canvas.pen, int(found.targets[at])
    columns = _columns(found, at, (canvas.columns - left - _MARGIN) // 4)
    width = min(_WIDEST, (canvas.columns - left - _MARGIN) // len(columns))
    canvas.write(left, 0, "epoch", pen.style("faint"))
    names = cut_distinct([found.classes[i] for i in columns], max(1, width - 2))
    for place, (number, name) in enumerate(zip(columns, names, strict=True)):
        style = pen.style("good strong" if number == truth else "strong")
        marker = pen.sign("◀", "<") if number == truth else ""
        canvas.write(left + _MARGIN + place * width, 0, name + marker, style)
    count = len(found.epochs)
    rows = np.unique(np.linspace(0, count - 1, min(canvas.rows - 1, count)).round().astype(int))
    for y, row in enumerate(rows, start=1):
        chances = found.probabilities[row, at]
        guess = int(chances.argmax())
        mark = (pen.sign("✓", "+"), "good") if guess == truth else (pen.sign("✗", "x"), "bad")
        canvas.write(left, y, f"{_epoch(float(found.epochs[row])):>5}", pen.style("faint"))
        canvas.write(left + 6, y, mark[0], pen.style(mark[1]))
        for place, number in enumerate(columns):
            meaning = "good" if number == truth else "bad" if number == guess else "model"
            text = bar(float(chances[number]), width - 1, pen) or pen.sign("·", ".")
            style = pen.style(meaning if chances[number] >= 0.5 / (width - 1) / 8 else "faint")
            canvas.write(left + _MARGIN + place * width, y, text, style)
    return len(rows) + 1


def _columns(found: Changes, at: int, room: int) -> list[int]:
    """All classes, or as many as fit: the true one and those that were ever most probable."""
    classes = range(len(found.classes))
    if len(found.classes) <= max(1, room):
        return list(classes)
    most = found.probabilities[:, at].max(axis=0)
    most[found.targets[at]] = 2.0
    return sorted(sorted(classes, key=lambda i: -most[i])[: max(1, room)])


def _epoch(epoch: float) -> str:
    return f"{epoch:.0f}" if epoch.is_integer() else f"{epoch:.1f}"


def _words(found: Changes, at: int, frame: Frame) -> list[Text]:
    pen, truth = frame.pen, int(found.targets[at])
    guesses = found.probabilities[:, at].argmax(axis=1)
    turns = int((guesses[1:] != guesses[:-1]).sum())
    name, last = found.classes[truth], found.classes[guesses[-1]]
    what = ""
    if found.vocabulary:
        what = f" ({sample_as_text(found.inputs[at], found.vocabulary)})"
    share = 100 * float(found.probabilities[-1, at, truth])
    sample = f"sample {found.rows[at] + 1}"
    lines = [
        sentence(
            (f"{sample} of the {found.measured} set{what}, {name}", "strong"),
            (f"   P({name}) {share:.1f} %", "good" if guesses[-1] == truth else "bad"),
            pen=pen,
        ),
        sentence(_verdict(found, guesses, truth, turns, last), pen=pen),
    ]
    if found.missing:
        text = f"{found.missing} epochs are left out: training them again takes too long."
        lines += wrapped(text, frame.columns, pen)
    return lines


def _verdict(
    found: Changes, guesses: np.ndarray, truth: int, turns: int, last: str
) -> tuple[str, str]:
    """Since when the prediction is right, or what it is, and how often it changed."""
    times = "" if not turns else f", after {counted(turns, 'change')}"
    if guesses[-1] != truth:
        ever = ", though it was right before" if (guesses == truth).any() else ""
        return f"predicted as {last}{ever}{times}", "bad"
    wrong = np.flatnonzero(guesses != truth)
    if not len(wrong):
        return "right after every epoch", "good"
    since = _epoch(float(found.epochs[wrong[-1] + 1]))
    return f"right since epoch {since}{times}", "good"


def _join_changes(earlier: Any, later: Any) -> Any:
    from tui_app.inspection.probes.changes import join_changes  # puts off torch

    return join_changes(earlier, later)


def _places(found: Changes) -> int:
    return len(found.rows)


VIEW = View(
    "Over the epochs",
    "changes",
    draw,
    _places,
    "sample",
    "the number of a sample, from 1",
    merge=_join_changes,
    unavailable_text="Only a model that predicts classes has predictions to follow.",
    suits=lambda traits: traits.has_predictions,
)
