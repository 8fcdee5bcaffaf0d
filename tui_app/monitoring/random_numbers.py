"""Who may draw random numbers of torch: one thread at a time, and none that is stuck."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context

from models import LectureError
from tui_app.training.control import Control
from tui_app.training.watchdog import StepInterrupted, Watchdog, where_interrupted

#: Whoever holds it may draw random numbers of torch, which are those of the whole program: a run
#: that trains, or somebody who builds a model to look at. Two at once would train another run.
RANDOM_NUMBER_LOCK = threading.Lock()

#: How a thread is called that looks at a model.
PROBE_THREAD = "looking"

#: Seconds between two questions whether a thread that waits for them is to stop.
_WAITING = 0.1

_LOOKS: set[Control] = set()


class Hold:
    """One thread's hold on RANDOM_NUMBER_LOCK; another thread may end it when the first is
    stuck."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_held = False

    def begin(self, must_stop: Callable[[], bool]) -> bool:
        """Wait for them, and hold them unless the thread is to stop meanwhile: whether it does."""
        while not RANDOM_NUMBER_LOCK.acquire(timeout=_WAITING):
            if must_stop():
                return False
        self._is_held = True
        return True

    def end(self) -> None:
        """Let others have them, unless that was done."""
        with self._lock:
            was_held, self._is_held = self._is_held, False
        if was_held:
            RANDOM_NUMBER_LOCK.release()


def stop_probes() -> None:
    """A run begins: let no look that is stuck keep it waiting. To be called again and again while
    it waits, since another look may have its turn meanwhile.
    """
    for control in list(_LOOKS):
        control.stop("a run begins")


def start_probe_thread(work: Callable[[], None]) -> None:
    """Do `work`, which looks at a model, in a thread that holds RANDOM_NUMBER_LOCK, as soon as
    nobody else does.

    Unlike a worker of Textual, no one waits for it when the app is left.
    """
    # What is posted from there is posted in the app that the context names.
    run = copy_context().run
    threading.Thread(target=run, args=(_look, work), name=PROBE_THREAD, daemon=True).start()


def _look(work: Callable[[], None]) -> None:
    control, hold = Control(), Hold()
    here = threading.current_thread()
    hold.begin(lambda: False)
    # Only now: a look that waits for its turn isn't stuck, and keeps no run waiting.
    _LOOKS.add(control)
    try:
        with (
            Watchdog(control, here, lambda text: None, lambda stop, where: hold.end()),
            suppress(StepInterrupted),  # `interruption_as_error` has told it
        ):
            work()
    finally:
        hold.end()
        _LOOKS.discard(control)


@contextmanager
def interruption_as_error() -> Iterator[None]:
    """Let a look that was interrupted be one that failed. Raises LectureError."""
    try:
        yield
    except StepInterrupted as error:
        raise LectureError(
            f"given up since it didn't come back{where_interrupted(error)}"
        ) from None
