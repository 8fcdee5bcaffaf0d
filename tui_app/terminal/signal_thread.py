"""Handles signals in a thread of their own, so that a blocked main thread can't delay them.

Python runs signal handlers in the main thread, which a terminal that stops reading can block. The
wake-up descriptor is written at once, whatever the main thread does.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from tui_app.terminal.signals import save_signals, stop_signals, suspend_signals


class SignalThread:
    """Calls `on_signal` in its thread for the signals that stop, save, suspend and continue."""

    def __init__(self, on_signal: Callable[[signal.Signals], None]) -> None:
        self._on_signal = on_signal
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        is_ignored = [signal.getsignal(number) == signal.SIG_IGN for number in suspend_signals()]
        suspending = suspend_signals() if not any(is_ignored) else []
        numbers = (*stop_signals(), *save_signals(), *suspending)
        self._before = {number: signal.signal(number, _ignore) for number in numbers}
        signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        os.register_at_fork(after_in_child=self._forget)
        threading.Thread(target=self._listen, name="signals", daemon=True).start()

    def _listen(self) -> None:
        while data := os.read(self._reading, 64):
            received = [signal.Signals(number) for number in data if number in self._before]
            for place, number in enumerate(received):
                # A program that was continued meanwhile must not suspend itself afterwards.
                is_outdated = number.name == "SIGTSTP" and signal.SIGCONT in received[place:]
                if not is_outdated:
                    self._on_signal(number)
        os.close(self._reading)

    def _forget(self) -> None:
        """Restore default handlers in a forked child, whose signals mustn't reach this thread."""
        if self._before:
            signal.set_wakeup_fd(-1)
            for number in self._before:
                signal.signal(number, signal.SIG_DFL)

    def restore(self) -> None:
        """Restore the previous handlers and end the thread."""
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
        os.close(self._writing)  # ends the thread


def _ignore(number: int, frame: FrameType | None) -> None:
    """Do nothing: the thread is awake. Without a handler the signal would end the program."""


@contextmanager
def handle_signals(on_signal: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Call `on_signal` for signals in this context: in a thread, or on Windows in the main one."""
    if os.name == "posix":
        thread = SignalThread(on_signal)
        try:
            yield
        finally:
            thread.restore()
        return
    numbers = (*stop_signals(), *save_signals())
    before = {
        number: signal.signal(number, lambda number, frame: on_signal(signal.Signals(number)))
        for number in numbers
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
