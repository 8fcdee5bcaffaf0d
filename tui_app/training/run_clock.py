"""Measures the seconds that a run trains, and its time limit."""

from __future__ import annotations

import math
import time

from tui_app.runs.exit_codes import ExitCode
from tui_app.training.outcome import EndTraining, Outcome
from tui_app.training.state import Training
from tui_app.training.steering.control import Control


class RunClock:
    """Counts from its creation, with the seconds of the run's earlier sessions."""

    def __init__(self, training: Training, control: Control) -> None:
        self._training = training
        self._control = control
        self._start = self.now() - training.seconds
        self.deadline = self.now() + (training.settings.options.max_time or math.inf)

    def now(self) -> float:
        """The seconds of a clock that stands still while the program is suspended."""
        return time.perf_counter() - self._control.suspended

    def update_seconds(self) -> None:
        """Set the run's seconds of training to those until now."""
        self._training.seconds = self.now() - self._start

    def check_limit(self) -> None:
        """Raise EndTraining once the time limit is reached."""
        if self._training.ranks.agree(lambda: self.now() >= self.deadline):
            limit = self._training.settings.options.max_time
            reason = f"the time limit of {limit:g} s is reached"
            raise EndTraining(Outcome("stopped", reason, ExitCode.DONE))
