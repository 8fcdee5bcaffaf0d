"""Watches the thread that trains or loads: reports where it is stuck, and interrupts it on a stop.

Python can't end a thread. A thread that is stuck in Python code is interrupted by an exception; one
that is stuck in native code is abandoned, and its process ends without it.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import models
from models.user_files.error_location import CodeLocation, is_user_code, locate_error
from tui_app.terminal.signals import save_signals

if TYPE_CHECKING:
    from tui_app.training.steering.control import Control, Stop

#: Seconds without progress after which a thread counts as stuck. A run with slow steps gets three
#: times its longest step, up to _LONGEST times PATIENCE.
PATIENCE = 5.0
_LONGEST = 6.0

#: Shares of that: for an interrupted thread to react, and between two checks.
_GRACE = 0.4
_CHECKS = 0.05

#: The program was suspended if so many checks were missed and it computed for less than this share
#: of that time. Code that holds the GIL makes it miss checks too.
_MISSED = 4
_IDLE = 0.2

_LECTURES = Path(models.__file__).parent


class StepInterrupted(BaseException):
    """Raised inside a step that is stuck when the run is stopped.

    Not an Exception, so that an `except Exception` in a user's net doesn't catch it. With
    `has_torn_weights` the optimizer may have updated only some of the weights, or those
    of one rank alone.
    """

    has_torn_weights = False


def location_text(place: CodeLocation) -> str:
    """`forward, my_net.py line 43`, or `my_net.py line 3` outside of a function."""
    function = "" if place.function.startswith("<") else f"{place.function}, "
    return f"{function}{place.file.name} line {place.line}"


def where_interrupted(error: StepInterrupted) -> str:
    """`, inside forward, my_net.py line 43`; empty if that was outside of the user's code."""
    place = locate_error(error)
    return f", inside {location_text(place)}" if place is not None else ""


@dataclass(frozen=True)
class ThreadLocation:
    """Where a thread is: the innermost code of the user's, else of a lecture, else of anything.

    `is_importing` if that code waits for an import.
    """

    place: CodeLocation
    is_users: bool
    is_importing: bool


def locate_thread(thread: threading.Thread) -> ThreadLocation | None:
    """Where a thread is; None once it has ended."""
    innermost = sys._current_frames().get(thread.ident or 0)
    if innermost is None:
        return None
    frames = [frame for frame, _ in traceback.walk_stack(innermost)]
    for matches in (_is_users, _is_lecture):
        index = next((i for i, frame in enumerate(frames) if matches(frame)), None)
        if index is not None:
            break
    frame = frames[index or 0]
    code = frame.f_code
    inwards = frames if index is None else frames[:index]
    is_importing = any(f.f_code.co_filename.startswith("<frozen importlib") for f in inwards)
    place = CodeLocation(Path(code.co_filename), frame.f_lineno, code.co_name)
    return ThreadLocation(place, _is_users(frame), is_importing)


def _is_users(frame: FrameType) -> bool:
    return is_user_code(frame.f_code.co_filename)


def _is_lecture(frame: FrameType) -> bool:
    file = Path(frame.f_code.co_filename)
    return file.parent == _LECTURES and file.stem.startswith("lecture_")


def interrupt(thread: threading.Thread) -> None:
    """Raise StepInterrupted in `thread` as soon as it executes Python code."""
    _set_exception(thread, ctypes.py_object(StepInterrupted))
    if thread is threading.main_thread() and hasattr(signal, "pthread_kill"):
        assert thread.ident is not None
        # A signal handler is Python code that runs in the main thread, and it ends a sleep.
        for number in save_signals():
            if callable(signal.getsignal(number)):
                signal.pthread_kill(thread.ident, number)


def _set_exception(thread: threading.Thread, kind: object) -> None:
    ident = ctypes.c_ulong(thread.ident or 0)  # none has the number 0
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, kind)


class Watchdog:
    """Watches `thread`, whose run `control` controls, while this context lasts.

    `on_stuck` gets where the thread is once it makes no progress, and an empty text when it does
    again. A stuck thread is interrupted when it is to stop; if it doesn't react, `on_abandoned`
    gets the stop and the place. Both are called in the watchdog's thread.
    """

    def __init__(
        self,
        control: Control,
        thread: threading.Thread,
        on_stuck: Callable[[str], None],
        on_abandoned: Callable[[Stop, str], None],
    ) -> None:
        self._control = control
        self._watched = thread
        self._on_stuck = on_stuck
        self._on_abandoned = on_abandoned
        self._patience = PATIENCE
        self._progress: object = None
        self._last_progress = self._checked = time.monotonic()
        self._computed = time.process_time()
        self._waiting_since: float | None = None
        self._longest = 0.0
        self._was_training = self._has_reported = self._has_interrupted = False
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Watchdog:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._is_over.set()
        if self._has_interrupted:  # an exception that is still pending would hit other code
            _set_exception(self._watched, None)

    def _watch(self) -> None:
        while not self._is_over.wait(self._patience * _CHECKS):
            if self._check():
                return

    def _check(self) -> bool:
        """Check for progress: whether the thread was abandoned."""
        now, progress = time.monotonic(), self._control.progress
        self._leave_out_suspension(now)
        if progress != self._progress:
            self._note_progress(now, progress)
            return False
        if now - self._last_progress < self._limit or self._control.is_finishing:
            return False
        found = locate_thread(self._watched)
        text = location_text(found.place) if found is not None else ""
        if found is not None and not self._has_reported and self._is_worth_reporting(found):
            self._has_reported = True
            self._on_stuck(f"still inside {text}")
        stop = self._control.stop_request
        if stop is None or self._is_over.is_set():
            return False
        if self._waiting_since is None:
            self._waiting_since = now
            # A half-imported library would be broken for the rest of the program.
            if found is not None and not found.is_importing:
                self._has_interrupted = True
                interrupt(self._watched)
        elif now - self._waiting_since >= self._patience * _GRACE:
            self._on_abandoned(stop, f", inside {text}" if text else "")
            return True
        return False

    def _leave_out_suspension(self, now: float) -> None:
        """Leave out the time since the last check if the program was suspended in it."""
        computed = time.process_time()
        pause = self._patience * _CHECKS
        suspended = now - self._checked - pause
        is_idle = computed - self._computed - pause < _IDLE * suspended
        if suspended > _MISSED * pause and is_idle:
            self._control.suspended += suspended
            self._last_progress += suspended
            if self._waiting_since is not None:
                self._waiting_since += suspended
        elif suspended > self._patience:  # it held the GIL, and may do so again
            self._last_progress = now
        self._checked, self._computed = now, computed

    def _is_worth_reporting(self, found: ThreadLocation) -> bool:
        """Importing a library and preparing a run may take as long as they need."""
        return (found.is_users or self._was_training) and not found.is_importing

    def _note_progress(self, now: float, progress: object) -> None:
        is_training = self._control.is_training
        if is_training and self._was_training:  # preparing may be slow
            self._longest = max(self._longest, now - self._last_progress)
        self._was_training = is_training
        self._progress, self._last_progress = progress, now
        if self._has_reported:
            self._has_reported = False
            self._on_stuck("")

    @property
    def _limit(self) -> float:
        return min(max(self._patience, 3 * self._longest), self._patience * _LONGEST)
