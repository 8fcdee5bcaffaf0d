"""Draws the app on a POSIX terminal; drops frames when the terminal is slow.

While the terminal is gone, or a shell uses it, nothing is read, written or set.
"""

from __future__ import annotations

import io
import os
import select
import signal
from codecs import getincrementaldecoder
from contextlib import suppress
from typing import Any, ClassVar, Protocol

from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from tui_app.terminal.signals import suspend_signals

#: Frames that may wait for the terminal; the next ones are dropped. Textual's queue holds 30, and
#: putting a 31st blocks the event loop, keys and timers included.
_MAX_FRAMES = 20

#: Seconds that the input thread waits for a key before it checks whether the app exits.
_KEY_SECONDS = 0.1

#: Restores a terminal that the app couldn't restore itself.
_MODES = "1000l 1003l 1006l 1015l 2004l 2048l 1004l 7h 1049l 25h"
RESTORE = "\x1b[<u" + "".join(f"\x1b[?{mode}" for mode in _MODES.split(" "))


class _TerminalFile(io.FileIO):
    """Discards what is written to a terminal that is gone.

    An error would end Textual's writer thread, with a traceback in the log of a run that continues.
    """

    def write(self, data: Any) -> int:
        """Write or discard `data`."""
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


class TerminalOwner(Protocol):
    """Is notified when the terminal can't be used."""

    def on_terminal_taken(self) -> None:
        """Another program uses the terminal."""
        ...

    def on_terminal_gone(self) -> None:
        """The terminal can't be read any more; there may be no signal."""
        ...


class TerminalDriver(LinuxDriver):
    """Draws on the descriptor `terminal`, wherever 1 and 2 lead.

    While it `is_away`, a shell or another program uses the terminal. The `owner` is notified when
    the app couldn't start drawing, and, from a thread, when the terminal can't be read any more.
    """

    terminal: ClassVar[int] = 2
    owner: ClassVar[TerminalOwner]

    def __init__(self, *args: Any, **options: Any) -> None:
        # Textual's handlers use the terminal whatever the main thread is doing, and even after the
        # app has ended.
        handlers = {number: signal.getsignal(number) for number in suspend_signals()}
        super().__init__(*args, **options)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        file = io.BufferedWriter(_TerminalFile(os.dup(self.terminal), "w"))
        self._file = io.TextIOWrapper(file, encoding="utf-8", errors="replace")
        self.has_dropped = False
        self.is_away = False
        self._is_stopping = False

    def _get_terminal_size(self) -> tuple[int, int]:
        try:
            width, height = os.get_terminal_size(self.terminal)
        except OSError:
            return 80, 24
        return width or 80, height or 24

    def write(self, data: str) -> None:
        """Queue `data`, or drop it while the terminal doesn't read what is queued."""
        writer = self._writer_thread
        if writer is None or self.is_away:
            return
        if writer._queue.qsize() >= _MAX_FRAMES and not self._is_stopping:
            self.has_dropped = True
            return
        writer.write(data)

    def needs_redraw(self) -> bool:
        """Whether the terminal reads again after frames were dropped. True once."""
        writer = self._writer_thread
        if self.has_dropped and writer is not None and writer._queue.qsize() == 0:
            self.has_dropped = False
            return True
        return False

    def is_in_foreground(self) -> bool:
        """Whether this program may use the terminal; always without job control."""
        try:
            return os.tcgetpgrp(self.fileno) == os.getpgrp()
        except OSError:
            return True

    def start_application_mode(self) -> None:
        """Start drawing, unless another program uses the terminal, which would stop this one."""
        self.is_away = not self.is_in_foreground()
        if self.is_away:
            self.owner.on_terminal_taken()
            return
        self._is_stopping = False
        super().start_application_mode()

    def stop_application_mode(self) -> None:
        """Restore the terminal; drop nothing of that."""
        if not self.is_away:
            self._is_stopping = True
            super().stop_application_mode()

    def close(self) -> None:
        """Wait until everything is written."""
        if not self.is_away:
            super().close()

    def release_terminal(self) -> None:
        """Restore the terminal for a while."""
        self.stop_application_mode()
        self.close()
        self.is_away = True

    def abandon_terminal(self) -> None:
        """Stop reading and drawing without touching the terminal, which another program uses."""
        self.is_away = True
        self.exit_event.set()
        if self._key_thread is not None:
            self._key_thread.join()
        self.exit_event.clear()
        super().close()

    def run_input_thread(self) -> None:
        """Read keys until the app stops drawing or the terminal is gone."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        is_last = False
        while not is_last:
            is_last = self.exit_event.is_set()  # then read once more
            has_input = bool(select.select([self.fileno], [], [], _KEY_SECONDS)[0])
            if has_input and not self.is_in_foreground():
                self.exit_event.wait(_KEY_SECONDS)  # the input is for another program
            elif has_input:
                data = self._read()
                if data is None:
                    self.owner.on_terminal_gone()
                    return
                for event in parser.feed(decode(data)):
                    self.process_message(event)
            for event in parser.tick():
                self.process_message(event)
        with suppress(EOFError, ParseError):
            list(parser.feed(""))

    def _read(self) -> bytes | None:
        """Return what was typed, or None when the terminal is gone."""
        try:
            data = os.read(self.fileno, 4096)
        except OSError:
            return None
        # Empty data is Ctrl-D where another program set the terminal's mode, or a lost terminal.
        return data if data or os.isatty(self.fileno) else None
