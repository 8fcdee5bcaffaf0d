"""Loads a lecture in a thread that may be abandoned: importing a user's file may never end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context

from tui_app.terminal.printing import print_to_stderr
from tui_app.training.steering.control import Control
from tui_app.training.watchdog import StepInterrupted, Watchdog

THREAD_NAME = "lecture"


class LectureThread:
    """Runs `work` in a thread; `on_stuck` gets the place in a user's file that doesn't return.

    Unlike a Textual worker, it doesn't keep the app from exiting.
    """

    def __init__(self, work: Callable[[], None], on_stuck: Callable[[str], None]) -> None:
        self._work = work
        self._on_stuck = on_stuck
        self._control = Control()
        # Messages posted by the thread go to the app that its context names.
        run = copy_context().run
        self._thread = threading.Thread(
            target=run, args=(self._run,), name=THREAD_NAME, daemon=True
        )

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Interrupt the work, since another lecture is loaded instead."""
        self._control.stop()

    def _run(self) -> None:
        with Watchdog(self._control, self._thread, self._report, lambda stop, where: None):
            try:
                self._work()
            except StepInterrupted:
                return

    def _report(self, text: str) -> None:
        if text and self._control.stop_request is None:
            self._on_stuck(text)


@contextmanager
def import_watched() -> Iterator[None]:
    """Print the place in a user's file whose import here doesn't return."""

    def report(text: str) -> None:
        if text:
            print_to_stderr(f"{text}. Ctrl-C ends it")

    with Watchdog(Control(), threading.current_thread(), report, lambda stop, where: None):
        yield
