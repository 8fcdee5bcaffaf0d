"""Requests checkpoints of a run that another process trains, so that its newest model is shown."""

from __future__ import annotations

import time

from tui_app.monitoring.monitored_run import MonitoredRun

#: Seconds between two requests.
_SECONDS = 3.0


class SaveRequests:
    """Requests one now and then while the run makes steps."""

    def __init__(self) -> None:
        self._next = 0.0
        self._step = -1

    def request(self, run: MonitoredRun) -> None:
        """Request a checkpoint of the run, if it is due."""
        step = run.history.step
        if run.control is None or step == self._step or time.monotonic() < self._next:
            return
        self._step, self._next = step, time.monotonic() + _SECONDS
        run.control.save()
