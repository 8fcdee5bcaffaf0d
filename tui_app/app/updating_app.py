"""Updates the screen that is shown: often while a run on it changes, else once a second."""

from __future__ import annotations

import time

from textual.timer import Timer

from tui_app.app.app_interface import AppInterface
from tui_app.app.frame_throttle import FrameThrottle
from tui_app.app.screens.live_screen import LiveScreen, RecordedRunsScreen
from tui_app.app.widgets.drawable import is_drawable
from tui_app.terminal.display_options import DisplayOptions

#: Seconds until the first update, and until one that `update_soon` requests.
_SOON = 0.1

#: Seconds between two updates while nothing trains: libraries may still print.
_IDLE = 1.0

#: Seconds between two updates while a screen reads earlier lines of a run.
_READING = 0.02


class UpdatingApp(AppInterface):
    """Polls the runs and draws the screen, with pauses that leave the processor to training."""

    def __init__(self, display: DisplayOptions) -> None:
        super().__init__(display)
        self._throttle = FrameThrottle(display.fps)
        self._next_draw = 0.0
        self._timer: Timer | None = None

    def poll(self) -> None:
        """Read what is new of the runs of this program."""
        raise NotImplementedError

    def update_soon(self) -> None:
        """Update the screen shortly, since a run was asked to do something."""
        self._update_in(_SOON)

    def _update_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(seconds, self.update_screen)

    def update_screen(self) -> None:
        """Poll the runs, draw the screen below any dialog, and schedule the next update."""
        self._throttle.begin()
        self.poll()
        if getattr(self._driver, "needs_redraw", bool)():
            self.refresh(layout=True)
        screen = next((s for s in reversed(self.screen_stack) if not s.is_modal), None)
        # A chart of a run that is still being read costs much, and is out of date at once.
        is_due = time.monotonic() >= self._next_draw or not _is_reading(screen)
        if screen is not None and is_drawable(screen):
            if is_due and isinstance(screen, LiveScreen):
                screen.draw()
            elif isinstance(screen, RecordedRunsScreen):
                screen.read_more()
        self.call_after_refresh(self._schedule, has_drawn=is_due)

    def _schedule(self, *, has_drawn: bool) -> None:
        is_busy = self.queue is not None and not self.queue.is_over
        is_watching = isinstance(self.screen, RecordedRunsScreen) and self.screen.is_watching
        wait = self._throttle.wait() if is_busy or is_watching else _IDLE
        if has_drawn:
            self._next_draw = time.monotonic() + wait
        self._update_in(_READING if _is_reading(self.screen) else wait)


def _is_reading(screen: object) -> bool:
    return isinstance(screen, RecordedRunsScreen) and screen.is_reading
