"""Prints events in a thread, so that training never waits for a terminal."""

from __future__ import annotations

import threading
from collections import deque

from tui_app.headless.console_output import EventPrinter
from tui_app.runs.events import StepsCompleted
from tui_app.runs.metrics.metrics_codec import Record

#: Events that may wait for the terminal; beyond them, those that only move the bar are dropped.
_WAITING = 100

#: Seconds to wait at the end until all events are printed.
_PATIENCE = 3.0


class ConsoleThread:
    """An event printer that lets `printer` print every event in a thread of its own."""

    def __init__(self, printer: EventPrinter) -> None:
        self._printer = printer
        self._events: deque[Record | None] = deque()
        self._waiting_events = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._print, name="console output", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exception: object) -> None:
        self._add(None)
        self._thread.join(_PATIENCE)

    def __call__(self, event: Record) -> None:
        """Print the event as soon as the terminal accepts it."""
        if len(self._events) < _WAITING or not isinstance(event, StepsCompleted):
            self._add(event)

    def _add(self, event: Record | None) -> None:
        self._events.append(event)
        self._waiting_events.release()

    def _print(self) -> None:
        with self._printer:
            while self._waiting_events.acquire():
                event = self._events.popleft()
                if event is None:
                    return
                self._printer(event)
