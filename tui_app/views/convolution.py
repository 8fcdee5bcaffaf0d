"""Draws convolution and pooling by hand: a window steps over a small image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.table import sentence, wrapped
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.convolution import Example

_CELL = 4


def draw(found: tuple[Example, ...], frame: Frame) -> list[Text]:
    """One step: the window on the image, the kernel, and the output so far."""
    example, step = _step(found, frame.at)
    row, column = divmod(step, example.output.shape[1])
    pen = frame.pen
    canvas = Canvas(frame.columns, 9, pen)
    top, left = row * example.stride, column * example.stride
    _grid(canvas, example.padded, 0, 1, (top, left, example.side), None)
    canvas.write(0, 0, "image", pen.style("faint"))
    x = example.padded.shape[1] * _CELL + 3
    if example.kernel is not None:
        canvas.write(x, 0, "kernel", pen.style("faint"))
        canvas.write(x - 3, 2, pen.sign("✳", "*"), pen.style("faint"))
        _grid(canvas, example.kernel, x, 1, (0, 0, 3), None)
        x += 3 * _CELL + 3
    canvas.write(x, 0, "output", pen.style("faint"))
    canvas.write(x - 3, 2, "=", pen.style("faint"))
    _grid(canvas, example.output, x, 1, (row, column, 1), step)
    window = example.padded[top : top + example.side, left : left + example.side]
    words = wrapped(_arithmetic(example, window, row, column), frame.columns, pen, "strong")
    title = sentence((example.title, "strong"), pen=pen)
    return [title, Text(), *canvas.lines(), *words]


def _step(found: tuple[Example, ...], at: int) -> tuple[Example, int]:
    """The example that step `at` belongs to, and the place in its output."""
    for example in found:
        if at < example.output.size:
            return example, at
        at -= example.output.size
    return found[-1], found[-1].output.size - 1


def _grid(
    canvas: Canvas,
    values: np.ndarray,
    x: int,
    y: int,
    window: tuple[int, int, int],
    until: int | None,
) -> None:
    """Numbers in a grid: those of the window stand out, those after `until` aren't computed yet."""
    pen, (top, left, side) = canvas.pen, window
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            inside = top <= row < top + side and left <= column < left + side
            is_open = until is not None and row * values.shape[1] + column > until
            text = pen.sign("·", ".") if is_open else str(values[row, column])
            meaning = "data strong" if inside else "faint" if is_open else ""
            canvas.write(x + column * _CELL, y + row, f"{text:>{_CELL - 1}}", pen.style(meaning))
            if inside and not pen.colour and column == left:
                canvas.write(x + column * _CELL, y + row, ">", pen.style(meaning))


def _arithmetic(example: Example, window: np.ndarray, row: int, column: int) -> str:
    result = example.output[row, column]
    if example.kernel is None:
        return f"the largest of {', '.join(map(str, window.ravel()))} is {result}"
    pairs = zip(window.ravel(), example.kernel.ravel(), strict=True)
    return " + ".join(f"{value}·{weight}" for value, weight in pairs) + f" = {result}"


VIEW = View(
    "Convolution by hand",
    "convolution",
    draw,
    lambda found: sum(example.output.size for example in found),
    "step",
    is_example=True,
)
