"""The app's way to a POSIX terminal: a descriptor of its own, frames dropped when it is slow."""

from __future__ import annotations

import io
import os
from typing import Any, ClassVar

from textual.drivers.linux_driver import LinuxDriver

#: Frames that wait for the terminal before the next one is dropped. Textual's queue holds 30, and
#: putting a 31st blocks the event loop, keys and timers included.
_WAITING = 20

#: What brings back a terminal that the app could not leave by itself.
_MODES = "1000l 1003l 1006l 1015l 2004l 2048l 1004l 7h 1049l 25h"
RESTORE = "\x1b[<u" + "".join(f"\x1b[?{mode}" for mode in _MODES.split(" "))


class _Terminal(io.FileIO):
    """What is written to a terminal that has gone, goes nowhere.

    Else the thread that writes would die of it, and say so in the log of a run that goes on.
    """

    def write(self, data: Any) -> int:
        """Write `data`, or nothing."""
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


class TerminalDriver(LinuxDriver):
    """Draws on `terminal`, whatever 1 and 2 lead to."""

    terminal: ClassVar[int] = 2

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        drawn_on = io.BufferedWriter(_Terminal(os.dup(self.terminal), "w"))
        self._file = io.TextIOWrapper(drawn_on, encoding="utf-8", errors="replace")
        self.has_dropped = False
        self._is_leaving = False

    def _sigcont_application(self, *_: Any) -> None:
        """Come back from a suspension, and from nothing else.

        The system sends this signal with a hang-up too, and there is no app to come back to then.
        """
        if self._must_signal_resume:
            super()._sigcont_application()

    def _get_terminal_size(self) -> tuple[int, int]:
        try:
            width, height = os.get_terminal_size(self.terminal)
        except OSError:
            return 80, 24
        return width or 80, height or 24

    def write(self, data: str) -> None:
        """Queue `data`; drop it when the terminal has not read what was queued before."""
        writer = self._writer_thread
        if writer is None:
            return
        if writer._queue.qsize() >= _WAITING and not self._is_leaving:
            self.has_dropped = True
            return
        writer.write(data)

    def has_recovered(self) -> bool:
        """Whether frames were dropped and the terminal reads again: then all must be drawn anew."""
        writer = self._writer_thread
        if self.has_dropped and writer is not None and writer._queue.qsize() == 0:
            self.has_dropped = False
            return True
        return False

    def stop_application_mode(self) -> None:
        """Give the terminal back; nothing of that may be dropped."""
        self._is_leaving = True
        super().stop_application_mode()
