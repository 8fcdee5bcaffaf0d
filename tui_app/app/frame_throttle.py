"""When the screen is drawn next: the dearer the last time was, the later."""

from __future__ import annotations

import time

#: The share of the time that may be spent on drawing.
_SHARE = 0.05

#: However dear a frame is, the next one comes within so many seconds.
_LONGEST = 4.0


class Pace:
    """Measures what the thread that draws has spent, which others' waiting is no part of."""

    def __init__(self, frames_per_second: float) -> None:
        self._shortest = 1 / frames_per_second
        self._begun = 0.0

    def begin(self) -> None:
        """A frame begins."""
        self._begun = time.thread_time()

    def wait(self) -> float:
        """The frame is done: the seconds until the next one."""
        cost = time.thread_time() - self._begun
        return min(_LONGEST, max(self._shortest, cost / _SHARE))
