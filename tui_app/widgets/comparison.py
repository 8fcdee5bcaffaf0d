"""Several runs beside each other: their curves in one chart, their results in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from tui_app.curves.overlay import Overlaid, colour_of, metrics_of, overlay
from tui_app.curves.picture import ChartView
from tui_app.curves.run_curves import RunCurves
from tui_app.curves.smoothing import SPANS
from tui_app.following.followed import FollowedRun
from tui_app.following.scores import against, best_of, epoch_of_best, seconds_of
from tui_app.training.narrate import printable
from tui_app.widgets.drawable import while_drawable
from tui_app.widgets.line import Line
from tui_app.widgets.plot import Plot


class Comparison(Vertical, can_focus=True):
    """Draws the runs that `follow` was given; `m` goes to the next metric."""

    DEFAULT_CSS = """
    Comparison {
        height: 1fr;
        & > .caption { color: $text-muted; }
        & > Plot { height: 1fr; min-height: 6; }
        & > VerticalScroll { height: auto; max-height: 45%; }
        & > VerticalScroll > Static { width: auto; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "metric", "Metric", show=False),
        Binding("g", "log", "Log scale", show=False),
        Binding("a", "axis", "x axis", show=False),
        Binding("plus,equals_sign", "smooth(1)", "Smoother", show=False),
        Binding("minus,underscore", "smooth(-1)", "Rougher", show=False),
    ]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._runs: list[tuple[FollowedRun, Overlaid]] = []
        self._view = ChartView()
        self._metric = 0

    def compose(self) -> ComposeResult:
        """Caption, chart, table."""
        yield Line(classes="caption")
        yield Plot()
        with VerticalScroll(can_focus=False):
            yield Static(id="scores", markup=False)

    def follow(self, runs: Sequence[tuple[str, FollowedRun]]) -> None:
        """Compare these runs, each with what sets it apart."""
        known = {id(run): overlaid for run, overlaid in self._runs}
        self._runs = [
            (run, known.get(id(run)) or Overlaid(label, RunCurves(run.history)))
            for label, run in runs
        ]
        self.draw()

    @while_drawable
    def draw(self) -> None:
        """Draw what the runs have come to."""
        overlaid, plot = [one for _, one in self._runs], self.query_one(Plot)
        metrics = metrics_of(overlaid)
        metric = metrics[self._metric % len(metrics)]
        plot.show(overlay(overlaid, self._view, plot.columns, metric))
        words = {"loss": "train loss, smoothed,", "train_loss_after": "train loss after the epoch"}
        what = words.get(metric, metric.replace("_", " "))
        axis = {"step": "step", "epoch": "epoch", "seconds": "seconds of training"}
        caption = f"{what} by {axis[self._view.axis]}"
        self.query_one(".caption", Line).tell(caption)
        self.query_one("#scores", Static).update(self._table())

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
        for column in ("", "best", "epoch", "to the first", "time", "state", "run"):
            table.add_column(column, no_wrap=True)
        first = self._runs[0][1].history if self._runs else None
        for place, (run, overlaid) in enumerate(self._runs):
            history = overlaid.history
            assert first is not None
            mark = Text("━━", self._style(colour_of(place)))
            cells = [
                best_of(history),
                epoch_of_best(history),
                against(history, first),
                seconds_of(history),
                run.stage or history.state,
                overlaid.label,
            ]
            table.add_row(mark, *(Text(printable(cell)) for cell in cells))
        return table

    def _style(self, colour: str) -> str:
        return self.app.theme_variables.get(colour, "white").removeprefix("ansi_")

    def action_metric(self) -> None:
        """Compare by the next metric."""
        self._metric += 1
        self.draw()

    def action_panels(self) -> None:
        """The chart's key for another panel is the next metric here."""
        self.action_metric()

    def action_log(self) -> None:
        """Logarithms on the loss's axis, or not."""
        self._view = replace(self._view, log=not self._view.log)
        self.draw()

    def action_axis(self) -> None:
        """Steps, epochs or seconds along the x axis."""
        order = ("step", "epoch", "seconds")
        following = order[(order.index(self._view.axis) + 1) % 3]
        self._view = replace(self._view, axis=following)
        self.draw()

    def action_smooth(self, by: int) -> None:
        """Smooth over more values, or fewer."""
        place = min(max(0, SPANS.index(self._view.span) + by), len(SPANS) - 1)
        self._view = replace(self._view, span=SPANS[place])
        self.draw()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self.draw)
