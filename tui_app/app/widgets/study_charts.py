"""Shows the charts of a study: best so far, one setting against the metric, importance."""

from __future__ import annotations

from typing import Any

from tui_app.app.studies.pictures.study_pictures import draw_study, pages
from tui_app.app.widgets.view_area import ViewArea
from tui_app.search.summary import StudySummary, TrialSummary

#: A smaller area shows no charts.
_LEAST_COLUMNS, _LEAST_ROWS = 50, 6


class StudyCharts(ViewArea, can_focus=False):
    """Draws the study last given to `show_study`; a click on the right half turns the page."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._study: StudySummary | None = None
        self._chosen: TrialSummary | None = None
        self._page = 0

    def show_study(self, study: StudySummary, chosen: TrialSummary | None) -> None:
        """Show a study, with this trial marked."""
        self._study, self._chosen = study, chosen
        self._draw()

    def turn(self, by: int) -> None:
        """Show another setting, or the importance."""
        self._page += by
        self._draw()

    def on_resize(self) -> None:
        """Draw again for the new size."""
        self._draw()

    def on_view_area_clicked(self, message: ViewArea.Clicked) -> None:
        """Turn the page at a click on it."""
        message.stop()
        if message.column * 2 > self.size.width:
            self.turn(1)

    def _draw(self) -> None:
        study, (columns, rows) = self._study, self.size
        if study is None or columns < _LEAST_COLUMNS or rows < _LEAST_ROWS:
            self.show([])
            return
        among = pages(study, columns)
        self._page %= max(1, len(among))
        page = among[self._page] if among else ""
        self.show(draw_study(study, page, self._chosen, columns, rows, self.pen))
