"""Draws a study in panels side by side: its curve, one of its settings, the importance of each."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from tui_app.app.studies.pictures.best_curve import draw_best_curve
from tui_app.app.studies.pictures.importance_bars import draw_importance
from tui_app.app.studies.pictures.metric_axis import metric_axis
from tui_app.app.studies.pictures.setting_scatter import draw_setting
from tui_app.app.studies.pictures.trial_marks import label_of
from tui_app.drawing.canvas import Canvas
from tui_app.drawing.pen import Pen
from tui_app.runs.settings.variation import Choices, Variation
from tui_app.search.summary import StudySummary, TrialSummary
from tui_app.text.cells import cut_string

#: The fewest columns with the importance in a panel of its own; of fewer, it is a page.
WIDE = 110

#: The page that shows the importance.
IMPORTANCE = ""

#: The share of the columns for each of three panels, and the columns between two.
_THREE = (0.4, 0.36, 0.24)
_GAP = 2


def pages(study: StudySummary, columns: int) -> Sequence[str]:
    """Return what the second panel can show: each setting, and the importance where it has no
    panel of its own.
    """
    return [*study.settings, *([] if columns >= WIDE else [IMPORTANCE])]


def draw_study(
    study: StudySummary, page: str, chosen: TrialSummary | None, columns: int, rows: int, pen: Pen
) -> list[Text]:
    """Draw the curve, the panel of the `page`, and the importance if there is room for it; the
    trial `chosen` is marked.
    """
    canvas, axis = Canvas(columns, rows, pen), metric_axis(study)
    shares = _THREE if columns >= WIDE else (0.5, 0.5)
    widths = [int(columns * share) - _GAP for share in shares]
    metric, left = label_of(study.metric), 0
    for place, width in enumerate(widths):
        body = (left, 1, width, rows - 1)
        if place == 0:
            title = f"best {metric} so far"
            draw_best_curve(canvas, study, axis, chosen, *body)
        elif place == 2 or page == IMPORTANCE:
            title = "importance"
            draw_importance(canvas, study, left, 2, width, rows - 2)
        else:
            title = f"{metric} by {label_of(page)}{_scale(study.settings[page])}"
            draw_setting(canvas, study, page, axis, chosen, *body)
        if place == 1:
            title = _numbered(title, page, pages(study, columns), width)
        canvas.write(left, 0, cut_string(title, width), pen.style("strong"))
        left += width + _GAP
    return canvas.lines()


def _scale(variation: Variation) -> str:
    return "" if isinstance(variation, Choices) or not variation.is_log else ", log"


def _numbered(title: str, page: str, among: Sequence[str], width: int) -> str:
    """Write the number of the page behind a title."""
    number = f"  {among.index(page) + 1}/{len(among)}" if page in among else ""
    return f"{cut_string(title, width - len(number))}{number}"
