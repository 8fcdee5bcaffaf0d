"""How fast a run goes, from where it was seen at which time."""

from __future__ import annotations

import time
from collections import deque

#: Seconds over which the rate is taken.
_WINDOW = 8.0


class StepRate:
    """Steps per second over the last seconds, evaluation and all: for the time that is left."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def see(self, step: int, now: float | None = None) -> None:
        """Note that the run has taken `step` steps by now."""
        now = time.monotonic() if now is None else now
        if self._seen and step < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((now, step))
        while now - self._seen[0][0] > _WINDOW and len(self._seen) > 2:
            self._seen.popleft()

    def forget(self) -> None:
        """Begin anew, as after a pause."""
        self._seen.clear()

    @property
    def per_second(self) -> float | None:
        """The rate; None while it isn't known."""
        if len(self._seen) < 2:
            return None
        (begin, first), (end, last) = self._seen[0], self._seen[-1]
        return (last - first) / (end - begin) if end > begin and last > first else None
