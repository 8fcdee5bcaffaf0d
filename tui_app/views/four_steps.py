"""The four steps of every PyTorch program, with this run's shapes and numbers beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from tui_app.views.table import fit, sentence
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.training.probes.four_steps import Step


def draw(found: tuple[Step, ...], frame: Frame) -> list[Text]:
    """At 0 all four, the longest cut to what there is room for; from 1 on one of them."""
    if frame.at:
        return _step(found[min(frame.at, len(found)) - 1], frame, frame.rows)
    room = frame.rows - sum(len(step.today) + 1 for step in found)
    heights = [len(step.source) for step in found]
    while sum(heights) > room and max(heights) > 1:
        heights[heights.index(max(heights))] -= 1
    lines: list[Text] = []
    for step, height in zip(found, heights, strict=True):
        lines += _step(step, frame, len(step.today) + 1 + height)
    return lines


def _step(step: Step, frame: Frame, rows: int) -> list[Text]:
    """Title, source, and what it is today."""
    room = max(1, rows - 1 - len(step.today))
    source = list(step.source)
    if len(source) > room:
        source = [*source[: room - 1], "    ..."]
    arrow = frame.pen.sign("→", ">")
    return [
        sentence((step.title, "strong"), pen=frame.pen),
        *(sentence(f"  {fit(line, frame.columns - 2).rstrip()}", pen=frame.pen) for line in source),
        *(sentence((f"  {arrow} {text}", "model"), pen=frame.pen) for text in step.today),
    ]


VIEW = View("The four steps", "four_steps", draw, lambda found: len(found) + 1, "step")
