"""Runs of this program, one after another: what several values in a field stand for."""

from __future__ import annotations

from collections.abc import Iterable

from tui_app.monitoring.local_run import LocalRun


class RunQueue:
    """Starts the next run when the one before is over, unless that one was stopped."""

    def __init__(self, runs: Iterable[LocalRun]) -> None:
        self.runs = list(runs)
        self._next = 0
        self._is_stopped = False
        self._begin_next()

    @property
    def current(self) -> LocalRun:
        """The run that trains, or the last one that did."""
        return self.runs[self._next - 1]

    @property
    def begun(self) -> list[LocalRun]:
        """Those that train or have trained."""
        return self.runs[: self._next]

    @property
    def waiting(self) -> int:
        """How many are still to come."""
        return 0 if self._is_stopped else len(self.runs) - self._next

    @property
    def is_over(self) -> bool:
        """Whether nothing trains and nothing waits."""
        return self.current.is_over and not self.waiting

    @property
    def is_alive(self) -> bool:
        """Whether something trains, or is about to."""
        return self.current.is_alive or bool(self.waiting)

    def poll(self) -> bool:
        """Take in what has happened since the last call: whether there was anything."""
        news = self.current.poll()
        if self.current.is_over and self.waiting:
            self._begin_next()
            return True
        return news

    def stop(self, reason: str, exit_code: int = 0) -> None:
        """Save and stop the run that trains, and begin no other."""
        self._is_stopped = True
        self.current.control.stop(reason, exit_code)

    def _begin_next(self) -> None:
        self._next += 1
        self.current.start()
