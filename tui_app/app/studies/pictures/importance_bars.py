"""Draws the importance of each setting of a study as a bar."""

from __future__ import annotations

from rich.cells import cell_len

from tui_app.app.studies.pictures.trial_marks import label_of
from tui_app.drawing.canvas import Canvas
from tui_app.drawing.table import bar, wrapped
from tui_app.search.importance import FEWEST_TRIALS
from tui_app.search.summary import StudySummary
from tui_app.text.cells import padded

_UNKNOWN = f"Known from {FEWEST_TRIALS} completed trials on that differ."

#: The widest name of a setting, and the cells of a share.
_NAME, _SHARE = 16, 5


def draw_importance(
    canvas: Canvas, study: StudySummary, left: int, top: int, columns: int, rows: int
) -> None:
    """Draw a line for each setting, the most important first, as many as fit."""
    pen = canvas.pen
    if not study.importance:
        for row, line in enumerate(wrapped(_UNKNOWN, max(1, columns), pen)[:rows]):
            canvas.write(left, top + row, line.plain, pen.style("faint"))
        return
    ordered = sorted(study.importance.items(), key=lambda item: -item[1])[:rows]
    names = [label_of(name) for name, _ in ordered]
    width = min(_NAME, max(map(cell_len, names)))
    room = max(1, columns - width - _SHARE - 1)
    for row, (name, (_, share)) in enumerate(zip(names, ordered, strict=True), top):
        canvas.write(left, row, padded(name, width))
        canvas.write(left + width + 1, row, bar(share, room, pen), pen.style("model"))
        canvas.write(left + width + 1 + room, row, f"{share:>{_SHARE}.0%}")
