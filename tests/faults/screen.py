"""Provides a pseudo-terminal for a process that trains, with or without a reader."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import threading
from typing import Any

#: Each mode that the app sets on a terminal, and how it takes it back: another screen, a hidden
#: cursor, a mouse that reports (four ways), a focus that reports, marked pastes.
_MODES = (1049, 1000, 1003, 1006, 1015, 1004, 2004)
_SET_AND_RESET = [(b"\x1b[?%dh" % mode, b"\x1b[?%dl" % mode) for mode in _MODES]
_SET_AND_RESET += [(b"\x1b[?25l", b"\x1b[?25h")]


class Screen:
    """A terminal whose reader is a thread of ours: it keeps all that it reads."""

    def __init__(self, *, reads: bool = True) -> None:
        self._master, self._slave = os.openpty()
        self.name = os.ttyname(self._slave)
        self.resize(24, 80)
        self.shown = b""
        self._modes = self._flags()
        self._stop, self._stopping = os.pipe()
        self._thread: threading.Thread | None = None
        if reads:
            self.read()

    def read(self) -> None:
        """Read from now on."""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            ready, _, _ = select.select([self._master, self._stop], [], [])
            if self._stop in ready:
                return
            self.shown += os.read(self._master, 65536)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def resize(self, lines: int, columns: int) -> None:
        """Give it another size; whoever runs on it is told."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def hang_up(self) -> None:
        """Take the terminal away."""
        self.stop_reading()
        for descriptor in (self._slave, self._master, self._stop, self._stopping):
            os.close(descriptor)

    def stop_reading(self) -> None:
        """Read no more, until `read`."""
        if self._thread is not None:
            os.write(self._stopping, b"x")
            self._thread.join()
            os.read(self._stop, 1)
            self._thread = None

    def read_to_end(self) -> None:
        """Take in all that was written, by a program that has ended."""
        self.stop_reading()
        while select.select([self._master], [], [], 0)[0]:
            self.shown += os.read(self._master, 65536)

    def is_restored(self) -> bool:
        """Whether every mode that was set has been taken back, and the line's own are as before."""
        resets = (self.shown.rfind(a) <= self.shown.rfind(b) for a, b in _SET_AND_RESET)
        return all(resets) and self._flags() == self._modes

    def _flags(self) -> list[Any]:
        return termios.tcgetattr(self._slave)
