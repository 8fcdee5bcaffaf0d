"""Watches the thread that trains or loads: says where it is when it doesn't come back, and gets it
out of there when it is to stop.

Python can't end a thread. What is stuck in Python code is interrupted by an exception; what is
stuck below it is left behind as it is, and its process ends without it.
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
    from tui_app.training.control import Control, Stop

#: Seconds without an answer after which a thread is stuck. A run with slow steps gets three times
#: its longest step, up to _LONGEST times as much.
PATIENCE = 5.0
_LONGEST = 6.0

#: What of that an interrupted thread has to get out, and what passes between two checks.
_GRACE = 0.4
_CHECKS = 0.05

#: The program was suspended when so many checks were missed and it computed for less than this
#: share of that time. Code that doesn't let other threads run makes it miss checks too.
_MISSED = 4
_IDLE = 0.2

_LECTURES = Path(models.__file__).parent


class StepInterrupted(BaseException):
    """Raised inside a step that a stop can't wait for.

    No Exception, so that an `except Exception` in a user's net lets it through. Once
    `has_torn_weights`, the optimizer may have changed some weights and others not.
    """

    has_torn_weights = False


def inside(place: CodeLocation) -> str:
    """`forward, my_net.py line 43`, or `my_net.py line 3` for what is in no function."""
    function = "" if place.function.startswith("<") else f"{place.function}, "
    return f"{function}{place.file.name} line {place.line}"


def where_interrupted(error: StepInterrupted) -> str:
    """`, inside forward, my_net.py line 43`; empty when that was in no code of the user's."""
    place = locate_error(error)
    return f", inside {inside(place)}" if place is not None else ""


@dataclass(frozen=True)
class Whereabouts:
    """Where a thread is: in the innermost code of the user's, else of a lecture of the course, else
    of anything. It `is_importing` when that code waits for a library to be imported.
    """

    place: CodeLocation
    is_users: bool
    is_importing: bool


def whereabouts(thread: threading.Thread) -> Whereabouts | None:
    """Where a thread is; None once it has ended."""
    innermost = sys._current_frames().get(thread.ident or 0)
    if innermost is None:
        return None
    frames = [frame for frame, _ in traceback.walk_stack(innermost)]
    for is_meant in (_is_users, _is_lecture):
        index = next((i for i, frame in enumerate(frames) if is_meant(frame)), None)
        if index is not None:
            break
    frame = frames[index or 0]
    code = frame.f_code
    inwards = frames if index is None else frames[:index]
    is_importing = any(f.f_code.co_filename.startswith("<frozen importlib") for f in inwards)
    place = CodeLocation(Path(code.co_filename), frame.f_lineno, code.co_name)
    return Whereabouts(place, _is_users(frame), is_importing)


def _is_users(frame: FrameType) -> bool:
    return is_user_code(frame.f_code.co_filename)


def _is_lecture(frame: FrameType) -> bool:
    file = Path(frame.f_code.co_filename)
    return file.parent == _LECTURES and file.stem.startswith("lecture_")


def interrupt(thread: threading.Thread) -> None:
    """Raise StepInterrupted in `thread`, as soon as it executes Python code."""
    _set_exception(thread, ctypes.py_object(StepInterrupted))
    if thread is threading.main_thread() and hasattr(signal, "pthread_kill"):
        assert thread.ident is not None
        # A signal's handler is Python code, and ends a sleep: it is executed in this thread alone.
        for number in save_signals():
            if callable(signal.getsignal(number)):
                signal.pthread_kill(thread.ident, number)


def _set_exception(thread: threading.Thread, kind: object) -> None:
    ident = ctypes.c_ulong(thread.ident or 0)  # none has the number 0
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, kind)


class Watchdog:
    """Watches `thread`, which trains what `control` steers, while this context lasts.

    `on_silence` is given where the thread is when it hasn't answered for long, and an empty text
    once it answers again. When it is to stop and doesn't, it is interrupted; should even that not
    help, `on_abandoned` is given the stop and where the thread is. Both are called in a thread.
    """

    def __init__(
        self,
        control: Control,
        thread: threading.Thread,
        on_silence: Callable[[str], None],
        on_abandoned: Callable[[Stop, str], None],
    ) -> None:
        self._control = control
        self._watched = thread
        self._on_silence = on_silence
        self._on_abandoned = on_abandoned
        self._patience = PATIENCE
        self._answers: object = None
        self._answered = self._checked = time.monotonic()
        self._computed = time.process_time()
        self._waiting_since: float | None = None
        self._longest = 0.0
        self._was_training = self._has_told = self._has_interrupted = False
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Watchdog:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._is_over.set()
        if self._has_interrupted:  # what it hasn't met yet would meet something else now
            _set_exception(self._watched, None)

    def _watch(self) -> None:
        while not self._is_over.wait(self._patience * _CHECKS):
            if self._check():
                return

    def _check(self) -> bool:
        """Look whether the thread answers: whether it was abandoned."""
        now, answers = time.monotonic(), self._control.answers
        self._leave_out_suspension(now)
        if answers != self._answers:
            self._take_answer(now, answers)
            return False
        if now - self._answered < self._limit or self._control.is_finishing:
            return False
        found = whereabouts(self._watched)
        text = inside(found.place) if found is not None else ""
        if found is not None and not self._has_told and self._is_worth_telling(found):
            self._has_told = True
            self._on_silence(f"still inside {text}")
        stop = self._control.stopped
        if stop is None or self._is_over.is_set():
            return False
        if self._waiting_since is None:
            self._waiting_since = now
            # A library that is imported by half would be broken for the rest of the program.
            if found is not None and not found.is_importing:
                self._has_interrupted = True
                interrupt(self._watched)
        elif now - self._waiting_since >= self._patience * _GRACE:
            self._on_abandoned(stop, f", inside {text}" if text else "")
            return True
        return False

    def _leave_out_suspension(self, now: float) -> None:
        """Don't count the time since the last check if the program was suspended in it."""
        computed = time.process_time()
        pause = self._patience * _CHECKS
        suspended = now - self._checked - pause
        is_idle = computed - self._computed - pause < _IDLE * suspended
        if suspended > _MISSED * pause and is_idle:
            self._control.suspended += suspended
            self._answered += suspended
            if self._waiting_since is not None:
                self._waiting_since += suspended
        elif suspended > self._patience:  # it computed and let no other thread run: it may again
            self._answered = now
        self._checked, self._computed = now, computed

    def _is_worth_telling(self, found: Whereabouts) -> bool:
        """A library is imported, and a run prepared, for as long as that takes."""
        return (found.is_users or self._was_training) and not found.is_importing

    def _take_answer(self, now: float, answers: object) -> None:
        is_training = self._control.is_training
        if is_training and self._was_training:  # else it was preparing, which takes its time
            self._longest = max(self._longest, now - self._answered)
        self._was_training = is_training
        self._answers, self._answered = answers, now
        if self._has_told:
            self._has_told = False
            self._on_silence("")

    @property
    def _limit(self) -> float:
        return min(max(self._patience, 3 * self._longest), self._patience * _LONGEST)
