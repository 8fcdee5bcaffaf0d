"""Compares runs: their curves in one chart, their results in one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from tui_app.app.widgets.adjustable_chart import AdjustableChart, chart_bindings
from tui_app.app.widgets.curve_plot import CurvePlot
from tui_app.app.widgets.drawable import while_drawable
from tui_app.app.widgets.score_table import Score, score_table
from tui_app.app.widgets.text_line import TextLine
from tui_app.monitoring.curves.overlay import Overlaid, colour_of, metrics_of, overlay
from tui_app.monitoring.curves.run_curves import RunCurves
from tui_app.monitoring.monitored_run import MonitoredRun
from tui_app.text.escaping import printable
from tui_app.text.quantities import is_share


class Comparison(AdjustableChart):
    """Draws the runs given to `follow`. A key goes to the next metric, and the arrow keys bring a
    run's curve to the front.
    """

    DEFAULT_CSS = """
    Comparison {
        height: 1fr;
        & > .caption { color: $text-muted; }
        & > CurvePlot { height: 1fr; min-height: 6; }
        & > VerticalScroll { height: auto; max-height: 45%; }
        & > VerticalScroll { scrollbar-size-vertical: 1; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "metric", "Metric"),
        Binding("up", "front(-1)", "Front", show=False),
        Binding("down", "front(1)", "Front", key_display="↑↓"),
        *chart_bindings(["log", "axis", "smooth(1)", "smooth(-1)"], show=True),
    ]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._runs: list[tuple[MonitoredRun, Overlaid]] = []
        self._metric = 0
        self._front: int | None = None

    def compose(self) -> ComposeResult:
        """Create caption, chart and table."""
        yield TextLine(classes="caption")
        yield CurvePlot()
        with VerticalScroll(can_focus=False):
            yield Static(id="scores", markup=False)

    def follow(self, runs: Sequence[tuple[str, MonitoredRun]]) -> None:
        """Compare these runs, each with a label that tells it from the others."""
        known = {id(overlaid.history): overlaid for _, overlaid in self._runs}
        self._runs = [
            (run, known.get(id(run.history)) or Overlaid(label, RunCurves(run.history)))
            for label, run in runs
        ]
        self.draw()

    @while_drawable
    def draw(self) -> None:
        """Draw the runs as they are now."""
        overlaid, plot = [one for _, one in self._runs], self.query_one(CurvePlot)
        metrics = metrics_of(overlaid)
        metric = metrics[self._metric % len(metrics)]
        plot.show(overlay(overlaid, self.view, plot.columns, metric, self._front))
        self.query_one(".caption", TextLine).show(self._caption(metric))
        self.query_one("#scores", Static).update(self._table())

    def _caption(self, metric: str) -> str:
        """What is drawn, along which axis and how smooth; and the run in front."""
        view = self.view
        axis = {"step": "step", "epoch": "epoch", "seconds": "seconds of training"}[view.axis]
        if metric == "loss":
            what = "train loss of each step"
            if view.span > 1:
                what = f"train loss, smoothed over {view.span} steps,"
        else:
            words = {"train_loss_after": "train loss after each epoch"}
            what = words.get(metric, metric.replace("_", " "))
        scale = ", logarithmic" if view.log and not is_share(metric) else ""
        drawn = f"{what} by {axis}{scale}"
        if self._front is None:
            return f"{drawn} · ↑↓ brings a run to the front"
        # The name first: the table may cut it.
        return f"▶ {printable(self._runs[self._front][1].label)} · {drawn}"

    def _table(self) -> Text:
        scores = [
            Score(
                overlaid.label,
                self._colour(colour_of(place)),
                overlaid.history,
                (run.stage or overlaid.history.state).split(" ")[0],
            )
            for place, (run, overlaid) in enumerate(self._runs)
        ]
        width = self.query_one("#scores").size.width or self.size.width
        return score_table(scores, width, self._front)

    def _colour(self, colour: str) -> str:
        return self.app.theme_variables.get(colour, "white").removeprefix("ansi_")

    def action_front(self, by: int) -> None:
        """Draw the next run or the one before over the others; past either end, none."""
        choices = [None, *range(len(self._runs))]
        self._front = choices[(choices.index(self._front) + by) % len(choices)]
        if self._front is not None:
            self.query_one(VerticalScroll).scroll_to(y=self._front, animate=False)
        self.draw()

    def action_metric(self) -> None:
        """Show the next metric."""
        self._metric += 1
        self.draw()

    def action_panels(self) -> None:
        """Show the next metric, where a chart would show another panel."""
        self.action_metric()
