"""Throttles redraws to 5 % of the time of the thread that draws."""

from __future__ import annotations

import time

from tui_app.training.throttle import Throttle

#: The share of the time that drawing may take, and the seconds between two frames at most.
_SHARE, _LONGEST = 0.05, 4.0


class FrameThrottle:
    """Measures the processor time of a frame, without what other threads take meanwhile."""

    def __init__(self, frames_per_second: float) -> None:
        self._throttle = Throttle(_SHARE, 1 / frames_per_second, _LONGEST)
        self._begun = 0.0

    def begin(self) -> None:
        """Begin a frame."""
        self._begun = time.thread_time()

    def wait(self) -> float:
        """End the frame; return the seconds until the next one."""
        return self._throttle.pause(time.thread_time() - self._begun)
