"""The confusion matrix: which class is taken for which, and the samples behind a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tui_app.views.canvas import Canvas
from tui_app.views.pen import hexadecimal, ramp
from tui_app.views.table import fit, nothing, sentence, wrapped
from tui_app.views.tiles import draw_tiles
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.training.probes.predictions import Predictions


def draw(found: Predictions | None, frame: Frame) -> list[Text]:
    """Rows are what samples are, columns what they were taken for. A place (from 1 on, row by row)
    is a cell; its samples stand below.
    """
    if found is None:
        return nothing("A confusion matrix has classes.", frame.columns, frame.pen)
    counts, classes = found.confusion, len(found.classes)
    words = _words(found, counts, frame)
    room = frame.rows - len(words)
    canvas = Canvas(frame.columns, room, frame.pen)
    cell = divmod(frame.at - 1, classes) if frame.at else None
    used = _matrix(canvas, found, counts, cell)
    if cell is not None and room - used >= 4:
        chosen = np.flatnonzero((found.targets == cell[0]) & (found.predicted == cell[1]))
        draw_tiles(canvas, found, chosen, used + 1)
    return [*canvas.lines(), *words]


def _matrix(
    canvas: Canvas, found: Predictions, counts: np.ndarray, cell: tuple[int, int] | None
) -> int:
    """Draw it; the rows it took."""
    pen, classes = canvas.pen, len(found.classes)
    names = min(12, max(map(len, found.classes)) + 1)
    digits = len(str(counts.max()))
    width = max(2, min(digits + 2, (canvas.columns - names - 8) // classes))
    canvas.write(0, 0, fit("is", names), pen.style("faint"))
    canvas.write(names + width * classes + 1, 0, "right", pen.style("faint"))
    for column, name in enumerate(found.classes):
        short = name[: max(1, width - 1)]
        canvas.write(names + column * width, 0, f"{short:>{width}}", pen.style("strong"))
    for row, name in enumerate(found.classes):
        canvas.write(0, row + 1, fit(name, names - 1), pen.style("strong"))
        for column in range(classes):
            share = float(counts[row, column] / max(1, counts[row].sum()))
            style = _style(canvas, share, row == column)
            style += " reverse" if cell == (row, column) else ""
            text = _number(int(counts[row, column]), width)
            canvas.write(names + column * width, row + 1, text, style.strip())
        total = counts[row].sum()
        right = f"{100 * counts[row, row] / total:5.1f}%" if total else "    -"
        canvas.write(names + width * classes + 1, row + 1, right, pen.style("faint"))
    return classes + 1


def _number(count: int, width: int) -> str:
    """The count, or how many digits it has where there is no room for it."""
    if count == 0:
        return f"{'·':>{width}}"
    text = str(count)
    return f"{text if len(text) <= width - (width > 2) else f'{text[0]}+':>{width}}"


def _style(canvas: Canvas, share: float, is_right: bool) -> str:
    """The more of a class's samples, the lighter; mistakes stand out from the diagonal."""
    pen = canvas.pen
    if not pen.colour:
        return "bold" if share > 0 and not is_right else ""
    if share == 0:
        return pen.style("faint")
    if is_right:
        ground = ramp(np.array(0.15 + 0.35 * share))
        return f"#ffffff on {hexadecimal(ground)}"
    ground = ramp(np.array(0.5 + min(0.5, share * 2)), "diverging")
    return f"{'#000000' if share > 0.12 else '#ffffff'} on {hexadecimal(ground)}"


def _words(found: Predictions, counts: np.ndarray, frame: Frame) -> list[Text]:
    total, right = counts.sum(), np.trace(counts)
    largest = int(counts.sum(axis=1).argmax())
    share = counts[largest].sum() / total
    part = "" if len(found.targets) == found.size else f" (of {found.size})"
    first = sentence(
        f"{right} of {total}{part} right, {100 * right / total:.2f} %",
        (f"   always {found.classes[largest]}: {100 * share:.2f} %", "data"),
        (f"   {found.measured} set", "faint"),
        pen=frame.pen,
    )
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None)[:3]
    pairs = [divmod(int(i), len(found.classes)) for i in order if wrong.flat[i]]
    texts = [f"{found.classes[i]} as {found.classes[j]} ({wrong[i, j]} times)" for i, j in pairs]
    if not texts:
        return [first]
    return [first, *wrapped(f"most often: {', '.join(texts)}", frame.columns, frame.pen, "bad")[:1]]


def _places(found: Predictions | None) -> int:
    return len(found.classes) ** 2 + 1 if found is not None else 0


VIEW = View("Confusion matrix", "predictions", draw, _places, "cell")
