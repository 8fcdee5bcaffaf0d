"""A run as it is watched: how far it is, its chart, its log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.markup import escape

from tui_app.following.followed import FollowedRun
from tui_app.training.narrate import printable
from tui_app.widgets.advice_line import AdviceLine, current
from tui_app.widgets.chart import Chart
from tui_app.widgets.comparison import Comparison
from tui_app.widgets.progress import Progress


class RunPane(Vertical):
    """Shows the run that `follow` was given; `draw` brings it up to date."""

    DEFAULT_CSS = """
    RunPane {
        border: round $foreground 25%;
        border-title-color: $text-muted;
        &.-focused { border: round $border; border-title-color: $text; }
        & > Comparison { display: none; }
        & > AdviceLine { display: none; }
        &.-advised > AdviceLine { display: block; }
        &.-queue > Comparison { display: block; }
        &.-queue > Chart { display: none; }
    }
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.border_title = "Training"
        self.run_followed: FollowedRun | None = None
        self._queue: Sequence[tuple[str, FollowedRun]] = ()

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Progress()
        yield AdviceLine()
        yield Chart()
        yield Comparison()

    def compare(self, runs: Sequence[tuple[str, FollowedRun]]) -> None:
        """Show these runs of a queue beside each other; with one or none, the chart alone."""
        self._queue = runs
        self.set_class(len(runs) > 1, "-queue")

    def toggle_comparison(self) -> None:
        """The run's own chart, or all runs of the queue."""
        if len(self._queue) > 1:
            self.toggle_class("-queue")
            self.draw()

    def follow(self, run: FollowedRun) -> None:
        """Watch this run from now on."""
        self.run_followed = run
        self.query_one(Progress).forget()
        self.query_one(Chart).follow(run.history)
        self.draw()

    def draw(self) -> None:
        """Show what the run has come to."""
        run = self.run_followed
        if run is None:
            return
        name = printable(run.name) if run.folder else ""
        self.border_title = escape(f"Training {name}".rstrip())
        self.query_one(Progress).draw(run)
        advice = current(run.history.advice)
        self.set_class(advice is not None, "-advised")
        self.query_one(AdviceLine).show(advice)
        if self.has_class("-queue"):
            self.query_one(Comparison).follow(self._queue)
        else:
            self.query_one(Chart).draw()
