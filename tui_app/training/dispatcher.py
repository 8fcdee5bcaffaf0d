"""Everyone who hears of a run: its own files first, then whoever follows it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from tui_app.runs.durable_files import CutShort
from tui_app.runs.events import Event, Listener, RunCompleted, Warned
from tui_app.training.watchdog import StepInterrupted

#: Seconds that another thread than the run's own waits for a listener that takes its time.
_PATIENCE = 1.0


class Dispatcher:
    """Everyone who hears of a run. A disk that takes no more doesn't end it: that is told once.

    One thread at a time is heard. A listener may itself have something to say.
    """

    def __init__(self, files: Sequence[Listener], others: Sequence[Listener]) -> None:
        self._files = files
        self._others = others
        self._failing: set[int] = set()
        self._lock = threading.RLock()
        self._is_closed = self._has_heard_end = False

    def tell(self, event: Event) -> None:
        """Let everyone hear the event. Raises StepInterrupted once the run was abandoned."""
        with self._lock:
            if self._is_closed:
                raise StepInterrupted
            self._tell(event)

    def publish_from_outside(self, event: Event, *, is_last: bool = False) -> None:
        """Tell an event from another thread than the run's own, unless a listener is stuck.

        After the last one, which the files hear even then, the run's own thread is heard no more.
        """
        is_free = self._lock.acquire(timeout=_PATIENCE)
        try:
            if not self._is_closed and (is_free or is_last):
                if not (is_last and self._has_heard_end):
                    self._tell_files(event)
                if is_free:
                    self._tell_others(event)
            self._is_closed |= is_last
        finally:
            if is_free:
                self._lock.release()

    def _tell(self, event: Event) -> None:
        self._tell_files(event)
        self._tell_others(event)

    def _tell_files(self, event: Event) -> None:
        self._has_heard_end |= isinstance(event, RunCompleted)
        for number, listener in enumerate(self._files):
            try:
                listener(event)
            except CutShort as error:
                self._tell_others(warning_at(event, str(error)))
            except OSError as error:
                if number not in self._failing:
                    self._failing.add(number)
                    text = _UNWRITTEN.format(error.strerror or error)
                    self._tell_others(warning_at(event, text))

    def _tell_others(self, event: Event) -> None:
        for listener in self._others:
            listener(event)


_UNWRITTEN = (
    "the run folder takes nothing more ({}). Training goes on, and what is recorded is kept in "
    "memory until there is room"
)


def warning_at(beside: Event, text: str) -> Warned:
    """A warning at the epoch and step of the event `beside`, as far as it has such."""
    epoch, step = getattr(beside, "epoch", 0), getattr(beside, "step", 0)
    return Warned(run=beside.run, epoch=epoch, step=step, text=text)
