"""Signals that end the app, suspend it or let it save, heard by a thread of their own.

Python runs a signal's handler in the main thread, which a terminal that stops reading can block.
The wake-up descriptor is written at once, whatever the main thread does.
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
    """Calls `on_signal` in its own thread for each signal that asks to stop, to save or to suspend,
    and for the one that continues.
    """

    def __init__(self, on_signal: Callable[[signal.Signals], None]) -> None:
        self._on_signal = on_signal
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        is_ignored = [signal.getsignal(number) == signal.SIG_IGN for number in suspend_signals()]
        suspending = suspend_signals() if not any(is_ignored) else []
        wanted = (*stop_signals(), *save_signals(), *suspending)
        self._before = {number: signal.signal(number, _heard) for number in wanted}
        signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        os.register_at_fork(after_in_child=self._forget)
        threading.Thread(target=self._listen, name="signals", daemon=True).start()

    def _listen(self) -> None:
        while data := os.read(self._reading, 64):
            heard = [signal.Signals(number) for number in data if number in self._before]
            for place, number in enumerate(heard):
                # A program that has been continued already must not suspend itself afterwards.
                is_outdated = number.name == "SIGTSTP" and signal.SIGCONT in heard[place:]
                if not is_outdated:
                    self._on_signal(number)
        os.close(self._reading)

    def _forget(self) -> None:
        """In a forked child: its signals are its own, and must not reach its parent's thread."""
        if self._before:
            signal.set_wakeup_fd(-1)
            for number in self._before:
                signal.signal(number, signal.SIG_DFL)

    def restore(self) -> None:
        """Let the signals do what they did before."""
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
        os.close(self._writing)  # ends the thread


def _heard(number: int, frame: FrameType | None) -> None:
    """Nothing: the thread has been woken. Without a handler the signal would end the program."""


@contextmanager
def handle_signals(on_signal: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Let `on_signal` hear the signals while this context lasts: in a thread of its own, whatever
    long operation the main thread is in; on Windows in the main thread.
    """
    if os.name == "posix":
        thread = SignalThread(on_signal)
        try:
            yield
        finally:
            thread.restore()
        return
    wanted = (*stop_signals(), *save_signals())
    before = {
        number: signal.signal(number, lambda number, frame: on_signal(signal.Signals(number)))
        for number in wanted
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
