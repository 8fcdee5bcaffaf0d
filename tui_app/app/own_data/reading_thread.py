"""Reads files for a screen in a thread that the exit doesn't wait for: a disk may hang."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context

#: Returns whether the work should stop, since its result is no longer needed.
Stopped = Callable[[], bool]

NAME = "reading"


class ReadingThread:
    """Runs one job at a time; a newer one stops the one before.

    Unlike for a worker of Textual, the app doesn't wait for it at its exit.
    """

    def __init__(self) -> None:
        self._newest = threading.Event()

    def begin(self, work: Callable[[Stopped], None]) -> None:
        """Run `work` in a thread, and stop the job before."""
        self._newest.set()
        stop = self._newest = threading.Event()
        # Textual finds the app to post messages to in the context.
        run = copy_context().run
        threading.Thread(target=run, args=(work, stop.is_set), name=NAME, daemon=True).start()

    def stop(self) -> None:
        """Stop the job: its result is no longer needed."""
        self._newest.set()
