"""Loads a lecture in a thread that may be left behind: a user's file may never end its import."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context

from tui_app.terminal.printing import complain
from tui_app.training.control import Control
from tui_app.training.watchdog import StepInterrupted, Watchdog

NAME = "lecture"


class LectureThread:
    """Does `work` in a thread of its own; `on_silence` is given where in a user's file it is stuck.

    Unlike a worker of Textual, no one waits for it when the app is left.
    """

    def __init__(self, work: Callable[[], None], on_silence: Callable[[str], None]) -> None:
        self._work = work
        self._on_silence = on_silence
        self._control = Control()
        # What is posted from there is posted in the app that the context names.
        run = copy_context().run
        self._thread = threading.Thread(target=run, args=(self._run,), name=NAME, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Another lecture is loaded instead: let nothing of this one take time for ever."""
        self._control.stop()

    def _run(self) -> None:
        with Watchdog(self._control, self._thread, self._say, lambda stop, where: None):
            try:
                self._work()
            except StepInterrupted:
                return

    def _say(self, text: str) -> None:
        if text and self._control.stopped is None:
            self._on_silence(text)


@contextmanager
def import_watched() -> Iterator[None]:
    """Say on stderr where a user's file is that doesn't come back from being imported here."""

    def say(text: str) -> None:
        if text:
            complain(f"{text}. Ctrl-C ends it")

    with Watchdog(Control(), threading.current_thread(), say, lambda stop, where: None):
        yield
