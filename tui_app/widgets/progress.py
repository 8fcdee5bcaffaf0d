"""How far a run is, in one line, and a bar of it."""

from __future__ import annotations

import math
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import ProgressBar, Static

from tui_app.following.followed import FollowedRun
from tui_app.following.rate import StepRate
from tui_app.training.narrate import format_seconds


class Progress(Vertical):
    """State, epoch, step, samples per second, time left, lr; a bar below."""

    DEFAULT_CSS = """
    Progress {
        height: 2;
        & > Static { height: 1; width: 1fr; }
        & > ProgressBar { height: 1; width: 1fr; }
        & Bar { width: 1fr; }
    }
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._rate = StepRate()

    def compose(self) -> ComposeResult:
        """A line and a bar."""
        yield Static(markup=False)
        yield ProgressBar(total=1, show_eta=False, show_percentage=False)

    def forget(self) -> None:
        """Begin anew, for another run."""
        self._rate.forget()

    def draw(self, run: FollowedRun) -> None:
        """Show how far `run` is."""
        history, facts = run.history, run.history.facts
        if history.state == "running" and not history.is_over:
            self._rate.see(history.step)
        else:
            self._rate.forget()
        bar = self.query_one(ProgressBar)
        bar.update(total=facts.total_steps if facts else None, progress=history.step)
        if facts is None and (run.is_over or run.failure):
            bar.update(total=1, progress=0)
        self.query_one(Static).update(self._line(run))

    def one_line(self, run: FollowedRun) -> Text:
        """What a terminal too small for a chart shows."""
        history = run.history
        line = self._line(run)
        if history.step:
            line.append(f"  loss {history.losses[-1]:#.4g}")
        return line

    def _line(self, run: FollowedRun) -> Text:
        history, facts = run.history, run.history.facts
        state = _STATES.get(history.state, (history.state, "dim"))
        if run.failure is not None:
            state = ("failed" if run.failure.exit_code else "cancelled", "bold red")
        text = Text(no_wrap=True, overflow="ellipsis")
        if facts is None:
            return text.append(run.stage or state[0])
        text.append(f"{state[0]:<10}", state[1])
        parts = [
            f"epoch {history.epoch}/{facts.epochs}",
            f"step {history.step:,}/{facts.total_steps:,}".replace(",", " "),
        ]
        per_second = self._rate.per_second
        if per_second is not None:
            samples = per_second * facts.train_size / facts.steps_per_epoch
            parts.append(f"{_rounded(samples)} samples/s")
            parts.append(f"{format_seconds((facts.total_steps - history.step) / per_second)} left")
        elif history.completed is not None:
            parts.append(f"in {format_seconds(history.completed.seconds)}")
        if not math.isnan(history.lr) and facts.lr:
            parts.append(f"lr {history.lr:g}")
        return text.append("  ".join(parts))


_STATES = {
    "running": ("training", "bold green"),
    "paused": ("paused", "bold yellow"),
    "completed": ("done", "bold green"),
    "stopped": ("stopped", "bold yellow"),
    "failed": ("failed", "bold red"),
    "crashed": ("crashed", "bold red"),
    "": ("ready", "dim"),
}


def _rounded(number: float) -> str:
    """Two or three digits, so that the line doesn't flicker: 870, 12 300, 1.2M."""
    if number >= 1e6:
        return f"{number / 1e6:.1f}M"
    digits = max(0, int(math.log10(max(number, 1))) - 2)
    return f"{round(number, -digits):,.0f}".replace(",", " ")
