"""Lets one thread at a time draw torch's random numbers: a run, or a probe that builds a model.

A probe that is stuck keeps no run waiting.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context

from models import LectureError
from tui_app.training.steering.control import Control
from tui_app.training.watchdog import StepInterrupted, Watchdog, where_interrupted

#: Held by the thread that may draw random numbers of torch, whose state is global: a run that
#: trains beside a probe that builds a model would be another run.
RANDOM_NUMBER_LOCK = threading.Lock()

#: The name of a thread that runs a probe.
PROBE_THREAD = "probe"

#: Seconds between two checks whether a thread that waits for the lock must stop.
_WAIT_SECONDS = 0.1

_probe_controls: set[Control] = set()


class RandomNumberHold:
    """Holds RANDOM_NUMBER_LOCK for one thread; another may release it when the first is stuck."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_held = False

    def acquire(self, must_stop: Callable[[], bool]) -> bool:
        """Wait for the lock until `must_stop`; return whether it is held."""
        while not RANDOM_NUMBER_LOCK.acquire(timeout=_WAIT_SECONDS):
            if must_stop():
                return False
        self._is_held = True
        return True

    def release(self) -> None:
        """Release the lock, unless that was done."""
        with self._lock:
            was_held, self._is_held = self._is_held, False
        if was_held:
            RANDOM_NUMBER_LOCK.release()


def stop_probes() -> None:
    """Stop the probes that are running, for a run that waits for the lock.

    Call it repeatedly while the run waits: another probe may get the lock first.
    """
    for control in list(_probe_controls):
        control.stop("a run begins")


def start_probe_thread(work: Callable[[], None]) -> None:
    """Run `work` in a thread once it holds RANDOM_NUMBER_LOCK.

    Unlike a Textual worker, it doesn't keep the app from exiting.
    """
    # Messages posted by the thread go to the app that its context names.
    run = copy_context().run
    threading.Thread(target=run, args=(_run_holding, work), name=PROBE_THREAD, daemon=True).start()


def _run_holding(work: Callable[[], None]) -> None:
    control, hold = Control(), RandomNumberHold()
    hold.acquire(lambda: False)
    # Only now, since a probe that waits for the lock isn't stuck and delays no run.
    _probe_controls.add(control)
    thread = threading.current_thread()
    try:
        with (
            Watchdog(control, thread, lambda text: None, lambda stop, where: hold.release()),
            suppress(StepInterrupted),  # `interruption_as_error` has reported it
        ):
            work()
    finally:
        hold.release()
        _probe_controls.discard(control)


@contextmanager
def interruption_as_error() -> Iterator[None]:
    """Turn the interruption of a stuck probe into an error. Raises LectureError."""
    try:
        yield
    except StepInterrupted as error:
        raise LectureError(
            f"interrupted because it didn't return{where_interrupted(error)}"
        ) from None
