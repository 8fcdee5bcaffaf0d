"""Draws the four steps of a PyTorch program, with the shapes and numbers of this run."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from rich.text import Text

from tui_app.drawing.table import sentence
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.four_steps import Step


def draw(found: tuple[Step, ...], frame: Frame) -> list[Text]:
    """All four steps, each with its title, its numbers in this run, and its source."""
    return [line for step in found for line in _step(step, frame)]


def _step(step: Step, frame: Frame) -> list[Text]:
    arrow, room = frame.pen.sign("→", ">"), frame.columns - 2
    return [
        sentence((step.title, "strong"), pen=frame.pen),
        *(sentence((f"  {arrow} {text}", "model"), pen=frame.pen) for text in step.this_run),
        *(
            sentence(f"  {part}", pen=frame.pen)
            for line in step.source
            for part in _parts(line, room)
        ),
    ]


def _parts(line: str, columns: int) -> list[str]:
    """A line of source, wrapped to `columns` with its indentation kept."""
    indent = " " * min(len(line) - len(line.lstrip()), columns // 2)
    pieces = wrap(line.strip(), max(8, columns - len(indent)), break_long_words=True)
    return [indent + piece for piece in pieces] or [""]


VIEW = View("The four steps", "four_steps", draw, scrolls=True)
