"""A run as it is watched: how far it is, its chart, its log."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from tui_app.following.followed import FollowedRun
from tui_app.widgets.chart import Chart
from tui_app.widgets.machine_line import MachineLine
from tui_app.widgets.progress import Progress


class RunPane(Vertical):
    """Shows the run that `follow` was given; `draw` brings it up to date."""

    DEFAULT_CSS = """
    RunPane {
        border: round $border-blurred;
        border-title-color: $text-muted;
        &:focus-within { border: round $border; border-title-color: $text; }
        & > #tiny { display: none; height: auto; }
        & > LogPane { height: 30%; min-height: 4; max-height: 14; }
    }
    """

    def __init__(self, **options: str) -> None:
        super().__init__(**options)
        self.border_title = "Training"
        self.run_followed: FollowedRun | None = None

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Static(id="tiny", markup=False)
        yield Progress()
        yield MachineLine()
        yield Chart()

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
        self.border_title = f"Training {run.name}" if run.folder else "Training"
        facts = run.history.facts
        if facts is not None:
            self.query_one(MachineLine).watch_device(facts.device)
        self.query_one(Progress).draw(run)
        self.query_one(Chart).draw()

    @property
    def drawing_cost(self) -> float:
        """The seconds that the chart took to be drawn last."""
        return self.query_one(Chart).drawing_cost
