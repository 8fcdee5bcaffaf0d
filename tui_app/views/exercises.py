"""Draws lecture 4's exercises and checks the gradients that the user types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from tui_app.drawing.table import sentence
from tui_app.text.quantities import rounded
from tui_app.views.graph import picture
from tui_app.views.shared.graph_steps import VisibleSteps, all_steps
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.exercises import Exercise


def draw(found: tuple[Exercise, ...], frame: Frame) -> list[Text]:
    """The exercise at the place."""
    exercise = found[min(frame.at, len(found) - 1)]
    graph, solved = exercise.graph, all_steps(exercise.graph)
    if exercise.given is None:
        solved = VisibleSteps(solved.forward, 0, False)
    lines = [sentence((exercise.text, "strong"), pen=frame.pen), Text()]
    lines += picture(graph, solved, frame, frame.rows - 5)
    lines.append(Text())
    if exercise.given is None:
        hint = "Work back from the loss: local derivative × incoming gradient."
        return [*lines, sentence((hint, "faint"), pen=frame.pen)]
    return [*lines, _verdict(exercise, frame)]


def answered_place(found: tuple[Exercise, ...]) -> int | None:
    """The place of the exercise that the query answers."""
    given = (place for place, exercise in enumerate(found) if exercise.given is not None)
    return next(given, None)


def _verdict(exercise: Exercise, frame: Frame) -> Text:
    parts: list[tuple[str, str] | str] = []
    for (name, answer), said, right in zip(
        exercise.answers, exercise.given or (), exercise.is_right, strict=True
    ):
        symbol = f"∂loss/∂{name}" if not frame.pen.ascii else f"dloss/d{name}"
        if right:
            parts.append((f"{symbol} = {rounded(answer)}: right.  ", "good"))
        else:
            parts.append((f"{symbol} is {rounded(answer)}, not {rounded(said)}.  ", "bad"))
    return sentence(*parts, pen=frame.pen)


VIEW = View(
    "Exercises",
    "exercises",
    draw,
    len,
    "exercise",
    "the gradient: one number for the first exercise, two for the second",
    answered_place=answered_place,
    is_example=True,
)
