"""Reads files for a screen in a thread that nobody waits for: a disk may never answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context

#: What a piece of work asks now and then: whether its result is still wanted.
Stopped = Callable[[], bool]

NAME = "reading"


class ReadingThread:
    """Does one piece of work at a time; a newer one stops the one before.

    Unlike a worker of Textual, it isn't waited for when the app is left.
    """

    def __init__(self) -> None:
        self._newest = threading.Event()

    def begin(self, work: Callable[[Stopped], None]) -> None:
        """Do `work` in a thread, and stop what was begun before."""
        self._newest.set()
        stop = self._newest = threading.Event()
        # What is posted from there is posted in the app that the context names.
        run = copy_context().run
        threading.Thread(target=run, args=(work, stop.is_set), name=NAME, daemon=True).start()

    def stop(self) -> None:
        """Stop what was begun: its result isn't wanted any more."""
        self._newest.set()
