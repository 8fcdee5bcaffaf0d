"""Shows a run: its progress, outcome, advice and chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.markup import escape

from tui_app.app.widgets.advice_line import AdviceLine, advice_to_show
from tui_app.app.widgets.chart import Chart
from tui_app.app.widgets.clipped_text import ClippedText
from tui_app.app.widgets.comparison import Comparison
from tui_app.app.widgets.run_progress import RunProgress
from tui_app.monitoring.history import History
from tui_app.monitoring.monitored_run import MonitoredRun
from tui_app.text.escaping import printable

#: Lines at most for the outcome of a run, above a chart and above an empty one; the log has it all.
_LINES, _LINES_ALONE = 3, 12


class RunPane(Vertical):
    """Shows the run given to `follow`; `draw` updates it."""

    DEFAULT_CSS = """
    RunPane {
        border: round $foreground 25%;
        border-title-color: $text-muted;
        &.-focused { border: round $border; border-title-color: $text; }
        & > Comparison { display: none; }
        & > AdviceLine { display: none; }
        & > #outcome { display: none; }
        &.-failed > #outcome { display: block; color: $text-error; }
        &.-ended > #outcome { display: block; color: $text-muted; }
        &.-advised > AdviceLine { display: block; }
        &.-queue > Comparison { display: block; }
        &.-queue > Chart { display: none; }
    }
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.border_title = "Training"
        self.monitored_run: MonitoredRun | None = None
        self._history: History | None = None
        self._queue: Sequence[tuple[str, MonitoredRun]] = ()

    def compose(self) -> ComposeResult:
        """Create the parts, from top to bottom."""
        yield RunProgress()
        yield ClippedText(id="outcome")
        yield AdviceLine()
        yield Chart()
        yield Comparison()

    def compare(self, runs: Sequence[tuple[str, MonitoredRun]]) -> None:
        """Compare these runs of a queue; with one or none, show the chart."""
        self._queue = runs
        self.set_class(len(runs) > 1, "-queue")

    def toggle_comparison(self) -> None:
        """Switch between the run's own chart and all runs of the queue."""
        if len(self._queue) > 1:
            self.toggle_class("-queue")
            self.call_after_refresh(self.draw)  # a chart has no width before it is laid out

    def follow(self, run: MonitoredRun) -> None:
        """Show this run."""
        self.monitored_run, self._history = run, run.history
        self.query_one(RunProgress).reset()
        self.query_one(Chart).follow(run.history)
        self.draw()

    def follows(self, run: MonitoredRun) -> bool:
        """Whether it shows this run, and the history that the run has now."""
        return self.monitored_run is run and self._history is run.history

    def draw(self) -> None:
        """Show the run as it is now."""
        run = self.monitored_run
        if run is None:
            return
        name = printable(run.name) if run.folder else ""
        self.border_title = escape(f"Training {name}".rstrip())
        self.query_one(RunProgress).draw(run)
        self._show_outcome(run)
        advice = advice_to_show(run.history.advice)
        self.set_class(advice is not None, "-advised")
        self.query_one(AdviceLine).show(advice)
        if self.has_class("-queue"):
            self.query_one(Comparison).follow(self._queue)
        else:
            self.query_one(Chart).draw()

    def _show_outcome(self, run: MonitoredRun) -> None:
        """Show why the run ended, unless it trained all its epochs."""
        sentence, is_failure = _outcome(run)
        self.set_class(bool(sentence) and is_failure, "-failed")
        self.set_class(bool(sentence) and not is_failure, "-ended")
        text = "\n".join(printable(line) for line in sentence.splitlines())
        self.query_one("#outcome", ClippedText).show(
            text, _LINES if run.history.step else _LINES_ALONE
        )


def _outcome(run: MonitoredRun) -> tuple[str, bool]:
    """Why the run ended, and whether it failed."""
    history, failure = run.history, run.failure
    if history.completed is not None and history.state == history.completed.state:
        is_whole = history.info is None or history.epoch >= history.info.epochs
        reason = "" if is_whole and history.state == "completed" else history.completed.reason
        return reason, history.state == "failed"
    if failure is not None:
        return failure.sentence, bool(failure.exit_code)
    if history.state == "crashed":
        return _CRASHED, True
    return "", False


_CRASHED = (
    "The process ended without recording an outcome. Resume continues from the last checkpoint."
)
