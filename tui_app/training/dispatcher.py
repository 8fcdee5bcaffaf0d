"""Passes each event of a run to its listeners: the run's own files first, then the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tui_app.runs.events import Event, Listener, RunCompleted, Warned
from tui_app.runs.files.durable_files import CutShort
from tui_app.runs.metrics.metrics_codec import Record
from tui_app.runs.metrics.packed_epochs import PackedEpochs
from tui_app.training.watchdog import StepInterrupted

#: Seconds that a thread other than the run's waits for a slow listener.
_PATIENCE = 1.0


@dataclass(frozen=True)
class TakesPacked:
    """A listener that gets packed epochs whole. Any other gets the events of each epoch."""

    handle: Callable[[Record], object]

    def __call__(self, event: Record) -> None:
        """Handle an event or packed epochs."""
        self.handle(event)


class Dispatcher:
    """Publishes events, one thread at a time; a listener may publish one itself.

    A run survives a full disk: the listeners get one warning for each file.
    """

    def __init__(self, files: Sequence[Listener], others: Sequence[Listener]) -> None:
        self._files = files
        self._others = others
        self._failing: set[int] = set()
        self._lock = threading.RLock()
        self._is_closed = self._has_recorded_end = False

    def publish(self, event: Record) -> None:
        """Pass the event or the packed epochs to all listeners.

        Raises StepInterrupted if the run was abandoned.
        """
        with self._lock:
            if self._is_closed:
                raise StepInterrupted
            self._publish_to_files(event)
            self._publish_to_others(event)

    def publish_from_outside(self, event: Event, *, is_last: bool = False) -> None:
        """Publish from a thread other than the run's, unless a listener is stuck.

        The files get the last event even then; after it, the run's own thread can publish nothing.
        """
        is_free = self._lock.acquire(timeout=_PATIENCE)
        try:
            if not self._is_closed and (is_free or is_last):
                if not (is_last and self._has_recorded_end):
                    self._publish_to_files(event)
                if is_free:
                    self._publish_to_others(event)
            self._is_closed |= is_last
        finally:
            if is_free:
                self._lock.release()

    def _publish_to_files(self, event: Record) -> None:
        self._has_recorded_end |= isinstance(event, RunCompleted)
        for number, listener in enumerate(self._files):
            if isinstance(event, PackedEpochs) and not isinstance(listener, TakesPacked):
                for each in event.events():
                    self._publish_to_file(number, listener, each)
            else:
                self._publish_to_file(number, listener, event)

    def _publish_to_file(self, number: int, file: Callable[..., None], event: Record) -> None:
        try:
            file(event)
        except CutShort as error:
            self._publish_to_others(warning_at(event, str(error)))
        except OSError as error:
            if number not in self._failing:
                self._failing.add(number)
                text = _UNWRITTEN.format(error.strerror or error)
                self._publish_to_others(warning_at(event, text))

    def _publish_to_others(self, event: Record) -> None:
        for listener in self._others:
            if isinstance(listener, TakesPacked):
                listener(event)
            elif isinstance(event, PackedEpochs):
                for each in event.events():
                    listener(each)
            else:
                listener(event)


_UNWRITTEN = (
    "the run folder can't be written ({}). Training continues, and what it records is kept in "
    "memory until there is room"
)


def warning_at(event: Record, text: str) -> Warned:
    """A warning at the epoch and step of `event`, if it has them; after packed epochs."""
    if isinstance(event, PackedEpochs):
        return Warned(run=event.run, epoch=event.last_epoch, step=event.last_step, text=text)
    epoch, step = getattr(event, "epoch", 0), getattr(event, "step", 0)
    return Warned(run=event.run, epoch=epoch, step=step, text=text)
