"""Trains the runs of a sweep, one after another."""

from __future__ import annotations

from collections.abc import Iterable

from tui_app.monitoring.queued_run import QueuedRun


class RunQueue:
    """Starts the next run when the current one is over, unless that was stopped."""

    def __init__(self, runs: Iterable[QueuedRun]) -> None:
        self.runs = list(runs)
        self._next = 0
        self._is_stopped = False
        self._start_next()

    @property
    def current(self) -> QueuedRun:
        """The run that trains, or the last one that did."""
        return self.runs[self._next - 1]

    @property
    def started(self) -> list[QueuedRun]:
        """The runs that train or have trained."""
        return self.runs[: self._next]

    @property
    def waiting(self) -> int:
        """How many runs are still to start."""
        return 0 if self._is_stopped else len(self.runs) - self._next

    @property
    def is_over(self) -> bool:
        """Whether no run trains and none waits."""
        return self.current.is_over and not self.waiting

    @property
    def is_alive(self) -> bool:
        """Whether a run trains or waits."""
        return self.current.is_alive or bool(self.waiting)

    def poll(self) -> bool:
        """Poll the current run, or start the next once it is over; return whether there is news."""
        news = self.current.poll()
        if self.current.is_over and self.waiting:
            self._start_next()
            return True
        return news

    def stop(self, reason: str, exit_code: int = 0) -> None:
        """Save and stop the current run, and start no other."""
        self._is_stopped = True
        self.current.control.stop(reason, exit_code)

    def _start_next(self) -> None:
        self._next += 1
        self.current.start()
