"""A run told on a terminal that may stop reading: training never waits for it."""

from __future__ import annotations

import threading
from collections import deque

from tui_app.headless.console_output import EventPrinter
from tui_app.runs.events import Event, StepsCompleted

#: Events that wait for the terminal before those that only move the bar are left out.
_WAITING = 100

#: Seconds that the last words may take.
_PATIENCE = 3.0


class ConsoleThread:
    """Lets `narrator` tell every event in a thread of its own. A narrator itself."""

    def __init__(self, narrator: EventPrinter) -> None:
        self._narrator = narrator
        self._events: deque[Event | None] = deque()
        self._news = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._tell, name="narration", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exception: object) -> None:
        self._add(None)
        self._thread.join(_PATIENCE)

    def __call__(self, event: Event) -> None:
        """Have the event told as soon as the terminal takes it."""
        if len(self._events) < _WAITING or not isinstance(event, StepsCompleted):
            self._add(event)

    def _add(self, event: Event | None) -> None:
        self._events.append(event)
        self._news.release()

    def _tell(self) -> None:
        with self._narrator:
            while self._news.acquire():
                event = self._events.popleft()
                if event is None:
                    return
                self._narrator(event)
