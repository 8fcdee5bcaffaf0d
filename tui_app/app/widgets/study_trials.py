"""Shows the table of the trials of a study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical

from tui_app.app.app_interface import AppInterface
from tui_app.app.studies.pictures.trial_marks import sign_of
from tui_app.app.studies.pictures.trial_rows import ordered_trials, trial_cells, trial_columns
from tui_app.app.widgets.line_list import LineList
from tui_app.app.widgets.text_line import TextLine
from tui_app.drawing.pen import Pen
from tui_app.search.summary import StudySummary, TrialSummary
from tui_app.text.columns import Column, aligned, fitted_widths, natural_widths

#: The colours of states.
_STATES = {"running": "green", "failed": "red", "pruned": "dim", "stopped": "yellow"}

#: The cells of a trial's sign and the space behind it.
_SIGN = 2


class TrialLines(LineList[TrialSummary]):
    """The trials, one a line."""

    app: AppInterface

    study: StudySummary | None = None
    columns: Sequence[Column] = ()
    widths: Sequence[int] = ()
    best: TrialSummary | None = None

    def draw_item(self, item: TrialSummary) -> Text:
        """Draw the sign of a trial as in the charts, and its row."""
        assert self.study is not None
        pen = Pen(colour=not self.app.no_color, ascii=self.app.in_ascii)
        sign, meaning = sign_of(item, self.best, pen)
        text = Text(no_wrap=True).append(f"{sign} ", pen.style(meaning) or None)
        row = aligned(self.columns, trial_cells(self.study, item), self.widths)
        return text.append(row, _STATES.get(item.state))


class StudyTrials(Vertical):
    """The titles of the columns above the trials."""

    DEFAULT_CSS = """
    StudyTrials {
        height: 1fr;
        & > .header { color: $text-muted; text-style: underline; }
    }
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._study: StudySummary | None = None
        self._is_best_first = False

    def compose(self) -> ComposeResult:
        """The titles and the trials."""
        yield TextLine(classes="header")
        yield TrialLines()

    @property
    def lines(self) -> TrialLines:
        """The trials."""
        return self.query_one(TrialLines)

    @property
    def trial(self) -> TrialSummary | None:
        """The trial at the cursor."""
        return self.lines.item

    def sort_by_next(self) -> None:
        """Sort by number, or by the metric."""
        self._is_best_first = not self._is_best_first
        self._fill()

    def show_study(self, study: StudySummary) -> None:
        """Show the trials of a study; the cursor stays on its trial."""
        self._study = study
        self._fill()

    def on_resize(self) -> None:
        """Fit the columns to the new width."""
        self._fill()

    def _fill(self) -> None:
        study, lines = self._study, self.lines
        if study is None:
            return
        before, is_at_top = self.trial, lines.cursor == 0
        trials = ordered_trials(study, best_first=self._is_best_first)
        columns = trial_columns(study)
        rows = [[column.title for column in columns]] + [trial_cells(study, t) for t in trials]
        room = self.size.width - _SIGN - 1  # the scroll bar
        widths = fitted_widths(columns, natural_widths(rows), room)
        header = aligned(columns, rows[0], widths)
        self.query_one(".header", TextLine).show(" " * _SIGN + header)
        lines.study, lines.columns, lines.widths = study, columns, widths
        lines.best = study.best
        numbers = [trial.number for trial in trials]
        # At the top, the cursor follows the newest trial, or the best.
        is_kept = before is not None and before.number in numbers and not is_at_top
        lines.show(trials, numbers.index(before.number) if is_kept and before else 0)
