"""Reports the progress of loading data, and stops it on request.

Loading has steps: fetching a file, unpacking it, reading images or rows, hashing the result. Each
calls `ProgressReporter.advance` every few hundredths of a second, so the user sees how far it is
and a stop takes effect at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

REPORT_SECONDS = 0.1
"""The shortest time between two progress reports of one step."""


class LoadingStopped(Exception):
    """The loading of data was stopped on request. A partial download is kept."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far one step of loading data is.

    `action` and `subject` name the step, as in "fetching x.gz" or "reading images". `done` and
    `total` count `unit`, `rate` is per second; while unknown, `total` is 0 and `seconds_left` None.
    For a file that is fetched, `mirror` is the host, and `attempt` says in words which mirror of
    how many this is, and why the previous one was given up.
    """

    action: str
    subject: str
    done: int
    total: int
    rate: float
    seconds_left: float | None
    unit: str = "bytes"
    mirror: str = ""
    attempt: str = ""

    @property
    def step(self) -> str:
        """The action and its subject, such as "fetching x.gz"."""
        return f"{self.action} {self.subject}"


class ProgressReporter:
    """Reports the progress of whatever loads data, and raises once a stop is requested."""

    def __init__(
        self,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.on_progress = on_progress
        self.stopped = stopped
        self._step: tuple[str, str] | None = None
        self._began = self._reported = 0.0
        self._done = 0

    def check(self) -> None:
        """Raise LoadingStopped once a stop is requested."""
        if self.stopped():
            raise LoadingStopped("stopped while the data were loaded")

    def advance(
        self, done: int, total: int, subject: str, *, action: str = "reading", unit: str = ""
    ) -> None:
        """Report that `done` of `total` are done, at most every `REPORT_SECONDS`.

        `unit` is what is counted, by default `subject`. Raises LoadingStopped once a stop is
        requested.
        """
        self.check()
        now = time.monotonic()
        if (action, subject) != self._step or done < self._done:
            self._step, self._began = (action, subject), now
        elif now - self._reported < REPORT_SECONDS and done < total:
            return
        self._reported, self._done = now, done
        rate = done / max(now - self._began, 1e-6)
        self.on_progress(
            Progress(
                action=action,
                subject=subject,
                done=done,
                total=total,
                rate=rate,
                seconds_left=(total - done) / rate if rate and total else None,
                unit=unit or subject,
            )
        )

    def chunks(self, total: int, size: int, subject: str, *, action: str) -> Iterator[slice]:
        """Slices of at most `size` that cover `total` rows. Reports before it yields each."""
        for start in range(0, total, size):
            self.advance(start, total, subject, action=action)
            yield slice(start, min(start + size, total))
        self.check()


NO_REPORTS = ProgressReporter()
"""For callers that need no reports and never stop."""
