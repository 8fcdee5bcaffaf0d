"""A terminal for a process that trains, with somebody who reads it, or doesn't."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import threading


class Screen:
    """A terminal whose reader is a thread of ours: it keeps all that it reads."""

    def __init__(self, *, reads: bool = True) -> None:
        self._master, self._slave = os.openpty()
        self.name = os.ttyname(self._slave)
        self.resize(24, 80)
        self.shown = b""
        self._modes = termios.tcgetattr(self._slave)
        self._stop, self._stopping = os.pipe()
        self._thread = threading.Thread(target=self._read, daemon=True)
        if reads:
            self.read()

    def read(self) -> None:
        """Read from now on."""
        self._thread.start()

    def _read(self) -> None:
        while True:
            ready, _, _ = select.select([self._master, self._stop], [], [])
            if self._stop in ready:
                return
            self.shown += os.read(self._master, 65536)

    def resize(self, lines: int, columns: int) -> None:
        """Give it another size; whoever runs on it is told."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def hang_up(self) -> None:
        """Take the terminal away."""
        os.write(self._stopping, b"x")
        if self._thread.ident is not None:
            self._thread.join()
        for descriptor in (self._slave, self._master, self._stop, self._stopping):
            os.close(descriptor)

    def is_restored(self) -> bool:
        """Whether its modes are what they were, the cursor shown, and the screen the one before."""
        hidden, shown = self.shown.rfind(b"\x1b[?25l"), self.shown.rfind(b"\x1b[?25h")
        other, own = self.shown.rfind(b"\x1b[?1049h"), self.shown.rfind(b"\x1b[?1049l")
        return shown >= hidden and own >= other and termios.tcgetattr(self._slave) == self._modes
