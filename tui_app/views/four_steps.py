"""The four steps of every PyTorch program, with this run's shapes and numbers beside them."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from rich.text import Text

from tui_app.drawing.table import sentence
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.four_steps import Step


def draw(found: tuple[Step, ...], frame: Frame) -> list[Text]:
    """All four, one below the other: title, what it is in this run, source."""
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
    """A line of source, continued on the next ones where it is too long, with its indentation."""
    indent = " " * min(len(line) - len(line.lstrip()), columns // 2)
    pieces = wrap(line.strip(), max(8, columns - len(indent)), break_long_words=True)
    return [indent + piece for piece in pieces] or [""]


VIEW = View("The four steps", "four_steps", draw, scrolls=True)
