"""Compares several runs, read from their folders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from datasets.own.names import short_name
from tui_app.app.run_summaries import lecture_of
from tui_app.app.widgets.comparison import Comparison
from tui_app.app.widgets.drawable import while_drawable
from tui_app.app.widgets.key_bar import KeyBar
from tui_app.monitoring.recorded_run import RecordedRun
from tui_app.runs.run_table import RunRow, differing_settings


class CompareScreen(Screen[None]):
    """The curves of the runs, and a table of what differs between them."""

    DEFAULT_CSS = """
    CompareScreen > Comparison { border: round $border; border-title-color: $text; padding: 0 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,c,backspace", "app.pop_screen", "Back", key_display="esc"),
    ]

    def __init__(self, rows: Sequence[RunRow]) -> None:
        super().__init__()
        self._runs = [(label_of(row, rows), RecordedRun(row.folder)) for row in rows]
        self._has_news = False

    def compose(self) -> ComposeResult:
        """The comparison and the keys."""
        yield Comparison()
        yield KeyBar()

    def on_mount(self) -> None:
        """Start to read."""
        comparison = self.query_one(Comparison)
        comparison.border_title = f"{len(self._runs)} runs compared"
        comparison.follow(self._runs)
        comparison.focus()
        self.call_after_refresh(self.draw)

    @property
    def is_watching(self) -> bool:
        """Whether a run may still grow."""
        return not all(run.is_over for _, run in self._runs)

    @property
    def is_reading(self) -> bool:
        """Whether earlier lines of a run are still being read."""
        return any(run.stage for _, run in self._runs)

    def read_more(self) -> None:
        """Read more of the runs without showing it."""
        for _, run in self._runs:
            self._has_news |= run.poll()

    @while_drawable
    def draw(self) -> None:
        """Read what is new, and show it."""
        self.read_more()
        if self._has_news:
            self._has_news = False
            self.query_one(Comparison).follow(self._runs)


def label_of(row: RunRow, rows: Sequence[RunRow]) -> str:
    """Return what tells a run from the others: its lecture and data where those differ, and the
    settings in which the runs of its lecture differ; or else its time.
    """
    same = [other for other in rows if other.summary.lecture_key == row.summary.lecture_key]
    parts = [f"{name}={row.settings.get(name, '-')}" for name in differing_settings(same)]
    if len({other.summary.dataset for other in same}) > 1:
        parts.insert(0, short_name(row.summary.dataset))
    if len(same) < len(rows):
        parts.insert(0, lecture_of(row))
    return " ".join(parts) or row.folder.path.name
