"""Draws the confusion matrix: which class is predicted as which, and the samples of a cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.pen import hexadecimal, ramp
from tui_app.drawing.table import flowed, sentence, wrapped
from tui_app.text.cells import cut_distinct, padded
from tui_app.views.shared.sample_tiles import HEIGHT, draw_tiles, is_image, text_at
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.predictions import Predictions

#: The cells right of the matrix: each class's accuracy and its number of samples.
_RIGHT = 15


def draw(found: Predictions, frame: Frame) -> list[Text]:
    """Rows are the true classes, columns the predicted ones. A place (from 1 on, row by row) is a
    cell, with its samples below the matrix.
    """
    counts, classes = found.confusion, len(found.classes)
    cell = divmod(frame.at - 1, classes) if frame.at else None
    layout = _Layout.of(found, counts, frame.columns)
    words = _words(found, counts, frame)
    if cell is not None:
        words = [_cell_words(found, counts, cell, frame)]
    canvas = Canvas(frame.columns, max(1, frame.rows - len(words)), frame.pen)
    used = _matrix(canvas, found, counts, cell, layout)
    room = canvas.rows - used
    if cell is not None and room >= (HEIGHT + 3 if is_image(found) else 2):
        chosen = np.flatnonzero((found.targets == cell[0]) & (found.predicted == cell[1]))
        if found.vocabulary:  # names are short: many of them fit a line
            texts = ", ".join(text_at(found, int(place)) for place in chosen[:500])
            return [
                *canvas.lines()[:used],
                *wrapped(texts, frame.columns, frame.pen, "")[:room],
                *words,
            ]
        draw_tiles(canvas, found, chosen, used + 1)
        used = canvas.rows
    return [*canvas.lines()[: used + 1], *words]


@dataclass(frozen=True)
class _Layout:
    """The widths of the names and of a column. With `are_shares` a cell is in per cent of its row,
    because the counts don't fit.
    """

    names: int
    width: int
    are_shares: bool

    @classmethod
    def of(cls, found: Predictions, counts: np.ndarray, columns: int) -> _Layout:
        names = min(12, max(map(len, found.classes)) + 1)
        room = (columns - names - _RIGHT) // len(found.classes)
        digits = len(str(counts.max()))
        if room > digits:
            return cls(names, max(3, digits + 2) if room > digits + 1 else room, False)
        return cls(names, max(2, min(4, room)), True)


def draw_zoomed(found: Predictions, frame: Frame) -> list[Text]:
    """The samples of one cell, without the matrix."""
    if not frame.at:
        return draw(found, frame)
    row, column = divmod(frame.at - 1, len(found.classes))
    chosen = np.flatnonzero((found.targets == row) & (found.predicted == column))
    canvas = Canvas(frame.columns, frame.rows - 2, frame.pen)
    shown = draw_tiles(canvas, found, chosen)
    text = f"{found.classes[row]} predicted as {found.classes[column]}"
    text = f"{found.classes[row]}, predicted right" if row == column else text
    some = f", {shown} of them here" if shown < len(chosen) else ""
    count = f"{len(chosen) or 'none'} of the {found.measured} set{some}"
    words = sentence((text, "strong"), f": {count}", pen=frame.pen)
    return [words, Text(), *canvas.lines()]


def _matrix(
    canvas: Canvas,
    found: Predictions,
    counts: np.ndarray,
    cell: tuple[int, int] | None,
    layout: _Layout,
) -> int:
    """Draw the matrix; return how many rows it took."""
    pen, classes = canvas.pen, len(found.classes)
    names, width = layout.names, layout.width
    totals = counts.sum(axis=1)
    canvas.write(0, 0, padded("is, in %" if layout.are_shares else "is", names), pen.style("faint"))
    canvas.write(names + width * classes + 1, 0, " right      of", pen.style("faint"))
    for column, name in enumerate(cut_distinct(found.classes, width - 1)):
        canvas.write(names + column * width, 0, f"{name:>{width}}", pen.style("strong"))
    for row, name in enumerate(found.classes):
        canvas.write(0, row + 1, padded(name, names - 1), pen.style("strong"))
        for column in range(classes):
            share = float(counts[row, column] / max(1, totals[row]))
            style = _style(canvas, share, row == column)
            style += " reverse" if cell == (row, column) else ""
            number = round(100 * share) if layout.are_shares else int(counts[row, column])
            text = str(number) if counts[row, column] else pen.sign("·", ".")
            canvas.write(names + column * width, row + 1, f"{text:>{width}}", style.strip())
        right = f"{100 * counts[row, row] / totals[row]:5.1f}%" if totals[row] else "     -"
        end = f"{right} {totals[row]:7d}"
        canvas.write(names + width * classes + 1, row + 1, end, pen.style("faint"))
    return classes + 1


def _style(canvas: Canvas, share: float, is_right: bool) -> str:
    """The style of a cell: the larger its share, the lighter; mistakes differ from the diagonal."""
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


def _cell_words(
    found: Predictions, counts: np.ndarray, cell: tuple[int, int], frame: Frame
) -> Text:
    """The chosen cell as a sentence."""
    row, column = cell
    count, total = int(counts[cell]), int(counts[row].sum())
    text = f"{count} of {total} samples of {found.classes[row]}"
    meaning = "good" if row == column else "bad"
    what = "were predicted right" if row == column else f"were predicted as {found.classes[column]}"
    share = f"   {100 * count / max(1, total):.1f} %"
    return sentence((f"{text} {what}", meaning), (share, "faint"), pen=frame.pen)


def _words(found: Predictions, counts: np.ndarray, frame: Frame) -> list[Text]:
    total, right = counts.sum(), np.trace(counts)
    largest = int(counts.sum(axis=1).argmax())
    share = counts[largest].sum() / total
    part = "" if len(found.targets) == found.size else f", {total} of its {found.size} samples"
    first = flowed(
        [
            [f"{right} of {total} right, {100 * right / total:.2f} %"],
            [(f"always {found.classes[largest]}: {100 * share:.2f} %", "data")],
            [(f"{found.measured} set{part}", "faint")],
        ],
        frame.columns,
        frame.pen,
    )
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None)[:3]
    pairs = [divmod(int(i), len(found.classes)) for i in order if wrong.flat[i]]
    texts = [
        f"{found.classes[i]} as {found.classes[j]} "
        + ("(once)" if wrong[i, j] == 1 else f"({wrong[i, j]} times)")
        for i, j in pairs
    ]
    if not texts:
        return first
    return [*first, *wrapped(f"most often: {', '.join(texts)}", frame.columns, frame.pen, "bad")]


def _places(found: Predictions) -> int:
    return len(found.classes) ** 2 + 1


def _place_at(found: Predictions, frame: Frame, column: int, row: int) -> int | None:
    classes = len(found.classes)
    layout = _Layout.of(found, found.confusion, frame.columns)
    right = (column - layout.names) // layout.width
    if not (0 <= right < classes and 1 <= row <= classes):
        return None
    return (row - 1) * classes + right + 1


def _across(found: Predictions) -> int:
    return len(found.classes)


VIEW = View(
    "Confusion matrix",
    "predictions",
    draw,
    _places,
    "cell",
    overview="all",
    places_per_row=_across,
    draw_zoomed=draw_zoomed,
    place_at=_place_at,
    unavailable_text="Only a model that predicts classes has a confusion matrix.",
    suits=lambda traits: traits.has_predictions,
)
