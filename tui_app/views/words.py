"""Draws the word that the network produces after each epoch, letter by letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tui_app.drawing.pen import hexadecimal, ramp
from tui_app.drawing.table import sentence
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.words import Words


def draw(found: Words, frame: Frame) -> list[Text]:
    """One row for each epoch: every letter with its probability; wrong ones are marked."""
    pen, count = frame.pen, len(found.predicted)
    room = frame.rows - 3
    rows = np.unique(np.linspace(0, count - 1, min(room, count)).round().astype(int))
    letters = "      ".join(found.target)
    lines = [
        sentence(("epoch   ", "faint"), (f"{letters}   ", "strong"), ("    loss", "faint"), pen=pen)
    ]
    for row in rows:
        line = sentence((f"{found.epochs[row]:5d}  ", "faint"), pen=pen)
        for place, letter in enumerate(found.predicted[row]):
            _cell(line, found, int(row), place, letter, frame)
        line.append(f"   {found.losses[row]:.4f}")
        if found.predicted[row] == found.target:
            line.append(f"  {pen.sign('✓', 'ok')}", pen.style("good") or None)
        lines.append(line)
    return [*lines, _words(found, frame)]


def _cell(line: Text, found: Words, row: int, place: int, letter: str, frame: Frame) -> None:
    """Append a letter with its probability; the background is lighter the higher that is."""
    share, pen = float(found.probabilities[row, place]), frame.pen
    is_right = letter == found.target[place]
    text = f" {letter}{'' if is_right else '!'}".ljust(3) + f"{100 * share:3.0f}"
    if pen.colour:
        ground = (
            ramp(np.array(0.1 + 0.38 * share))
            if is_right
            else ramp(np.array(0.55 + share * 0.2), "diverging")
        )
        line.append(text, f"bold #ffffff on {hexadecimal(ground)}")
    else:
        line.append(text, "" if is_right else "bold")
    line.append(" ")


def _words(found: Words, frame: Frame) -> Text:
    words = zip(found.epochs, found.predicted, strict=True)
    first = next((epoch for epoch, word in words if word == found.target), None)
    last = found.predicted[-1]
    verdict = (
        (f"the last word is {last}", "good")
        if last == found.target
        else (f"the last word is {last}, not {found.target}: try another seed", "bad")
    )
    when = f"   first right after epoch {first}" if first is not None else ""
    return sentence(
        f"from {found.input} to {found.target}: ", verdict, (when, "faint"), pen=frame.pen
    )


VIEW = View(
    "Word by epoch",
    "words",
    draw,
    unavailable_text="Only the networks of lecture 12 produce words.",
    suits=lambda traits: traits.is_sequence,
)
