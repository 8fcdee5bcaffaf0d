"""Spaces out work beside training, so that it takes at most a share of the time."""

from __future__ import annotations

import math
import time


class Throttle:
    """Says when work is due again: the more it costs, the later."""

    def __init__(self, share: float, shortest: float, longest: float = math.inf) -> None:
        self._share = share
        self._shortest, self._longest = shortest, longest
        self._due = 0.0

    @property
    def is_due(self) -> bool:
        """Whether the pause is over."""
        return time.monotonic() >= self._due

    def pause(self, cost: float) -> float:
        """The seconds to pause after work that took `cost` seconds."""
        return min(self._longest, max(self._shortest, cost / self._share))

    def start_pause(self, cost: float) -> None:
        """Pause from now on, after work that took `cost` seconds."""
        self._due = time.monotonic() + self.pause(cost)

    def lengthen_pause(self, cost: float) -> None:
        """Pause longer, for `cost` more seconds of work."""
        self._due += cost / self._share

    def end_pause(self) -> None:
        """Make the work due now."""
        self._due = 0.0
