"""Shows the progress and the speed of a run."""

from __future__ import annotations

import math
import time
from collections import deque
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from tui_app.app.widgets.bar import Bar
from tui_app.app.widgets.machine_line import MachineLine
from tui_app.app.widgets.text_line import TextLine
from tui_app.monitoring.history import History
from tui_app.monitoring.monitored_run import MonitoredRun
from tui_app.monitoring.run_info import RunInfo
from tui_app.text.quantities import format_seconds, grouped


class RunProgress(Vertical):
    """State, epoch, step and time left; a bar; lr and samples per second beside the machine."""

    DEFAULT_CSS = """
    RunProgress {
        height: 3;
        & > Horizontal { height: 1; }
        & #speed { width: 36; padding-right: 2; }
        & MachineLine { text-align: right; }
    }
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._rate = StepRate()

    def compose(self) -> ComposeResult:
        """Create the three lines."""
        yield TextLine(id="where")
        yield Bar()
        with Horizontal():
            yield TextLine(id="speed")
            yield MachineLine()

    def reset(self) -> None:
        """Forget the speed, for another run."""
        self._rate.reset()

    def draw(self, run: MonitoredRun) -> None:
        """Show the progress of `run`."""
        history, facts = run.history, run.history.info
        if history.state == "running" and not history.is_over:
            self._rate.record(history.step)
        else:
            self._rate.reset()
        if facts is not None:
            self.query_one(MachineLine).watch_device(facts.device, history.ranks)
        self.query_one("#where", TextLine).show(self._position(run))
        self.query_one(Bar).share = history.step / max(1, facts.total_steps) if facts else 0.0
        self.query_one("#speed", TextLine).show(self._speed(history, facts))

    def one_line(self, run: MonitoredRun) -> Text:
        """The progress in a line, for a terminal too small for a chart."""
        line, history = self._position(run), run.history
        if history.step:
            line.append(f"  loss {history.losses[-1]:#.4g}")
        return line

    def _position(self, run: MonitoredRun) -> Text:
        history, facts = run.history, run.history.info
        state = _STATES.get(history.state, (history.state, "dim"))
        if run.failure is not None:
            state = ("failed" if run.failure.exit_code else "cancelled", "bold red")
        elif run.stage:
            state = (run.stage if facts is None else "reading", "dim")
        text = Text(no_wrap=True, overflow="ellipsis")
        if facts is None:
            return text.append(run.stuck_at) if run.stuck_at else text.append(*state)
        text.append(f"{state[0]:<10}", state[1])
        if run.stuck_at:
            return text.append(run.stuck_at)
        text.append(f"epoch {history.epoch}/{facts.epochs}  ")
        text.append(f"step {grouped(history.step)}/{grouped(facts.total_steps)}")
        per_second = self._rate.per_second
        if per_second is not None:
            left = (facts.total_steps - history.step) / per_second
            text.append(f"  {format_seconds(left)} left")
        elif history.completed is not None:
            text.append(f"  in {format_seconds(history.completed.seconds)}")
        return text

    def _speed(self, history: History, facts: RunInfo | None) -> str:
        if facts is None:
            return ""
        parts = []
        if not math.isnan(history.lr) and facts.lr:  # a search without a gradient has none
            parts.append(f"lr {history.lr:g}")
        if self._rate.per_second is not None:
            samples = self._rate.per_second * facts.train_size / facts.steps_per_epoch
            parts.append(f"{_rounded(samples)} samples/s")
        elif not math.isnan(history.samples_per_second):
            parts.append(f"{_rounded(history.samples_per_second)} samples/s")
        return "  ".join(parts)


#: Seconds over which the rate is measured.
_RATE_WINDOW = 8.0


class StepRate:
    """Steps per second over the last seconds, evaluation included, to estimate the time left."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def record(self, step: int, now: float | None = None) -> None:
        """Record that the run has made `step` steps by now."""
        now = time.monotonic() if now is None else now
        if self._seen and step < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((now, step))
        while now - self._seen[0][0] > _RATE_WINDOW and len(self._seen) > 2:
            self._seen.popleft()

    def reset(self) -> None:
        """Start a new measurement, as after a pause."""
        self._seen.clear()

    @property
    def per_second(self) -> float | None:
        """The rate; None before two different steps were recorded."""
        if len(self._seen) < 2:
            return None
        (begin, first), (end, last) = self._seen[0], self._seen[-1]
        return (last - first) / (end - begin) if end > begin and last > first else None


_STATES = {
    "running": ("training", "bold green"),
    "paused": ("paused", "bold yellow"),
    "completed": ("done", "bold green"),
    "stopped": ("stopped", "bold yellow"),
    "failed": ("failed", "bold red"),
    "crashed": ("crashed", "bold red"),
    "": ("starting", "dim"),
}


def _rounded(number: float) -> str:
    """Two or three digits, so that the line doesn't flicker: 870, 12 300, 1.2M."""
    if number >= 1e6:
        return f"{number / 1e6:.1f}M"
    digits = max(0, int(math.log10(max(number, 1))) - 2)
    return grouped(round(round(number, -digits)))
