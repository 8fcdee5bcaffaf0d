"""The app's way to a POSIX terminal: a descriptor of its own, frames dropped when it is slow.

Also when the terminal is gone, and while a shell has it: then nothing is read, written or set.
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

#: Frames that wait for the terminal before the next one is dropped. Textual's queue holds 30, and
#: putting a 31st blocks the event loop, keys and timers included.
_WAITING = 20

#: Seconds that the reading thread waits for a key before it checks whether the app leaves.
_CHECKS = 0.1

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


class TerminalOwner(Protocol):
    """Hears what becomes of the terminal."""

    def terminal_is_taken(self) -> None:
        """Another program has it now."""
        ...

    def terminal_is_gone(self) -> None:
        """It can't be read any more, whether a signal says so or not."""
        ...


class TerminalDriver(LinuxDriver):
    """Draws on `terminal`, whatever 1 and 2 lead to.

    While it `is_away`, a shell or another program has the terminal. The `owner` is told so when the
    app would take it, and, in a thread, when the terminal can't be read any more.
    """

    terminal: ClassVar[int] = 2
    owner: ClassVar[TerminalOwner]

    def __init__(self, *args: Any, **options: Any) -> None:
        # Textual's own handlers would touch the terminal wherever the main thread is at that
        # moment, and after the app has gone too.
        handlers = {number: signal.getsignal(number) for number in suspend_signals()}
        super().__init__(*args, **options)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        drawn_on = io.BufferedWriter(_Terminal(os.dup(self.terminal), "w"))
        self._file = io.TextIOWrapper(drawn_on, encoding="utf-8", errors="replace")
        self.has_dropped = False
        self.is_away = False
        self._is_leaving = False

    def _get_terminal_size(self) -> tuple[int, int]:
        try:
            width, height = os.get_terminal_size(self.terminal)
        except OSError:
            return 80, 24
        return width or 80, height or 24

    def write(self, data: str) -> None:
        """Queue `data`; drop it when the terminal has not read what was queued before."""
        writer = self._writer_thread
        if writer is None or self.is_away:
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

    def is_in_foreground(self) -> bool:
        """Whether the terminal is this program's to use; so is one without job control."""
        try:
            return os.tcgetpgrp(self.fileno) == os.getpgrp()
        except OSError:
            return True

    def start_application_mode(self) -> None:
        """Take the terminal, if no other program has it: that would stop this one."""
        self.is_away = not self.is_in_foreground()
        if self.is_away:
            self.owner.terminal_is_taken()
            return
        self._is_leaving = False
        super().start_application_mode()

    def stop_application_mode(self) -> None:
        """Give the terminal back; nothing of that may be dropped."""
        if not self.is_away:
            self._is_leaving = True
            super().stop_application_mode()

    def close(self) -> None:
        """Wait until all is written."""
        if not self.is_away:
            super().close()

    def leave(self) -> None:
        """Give the terminal back for a while, as it was found."""
        self.stop_application_mode()
        self.close()
        self.is_away = True

    def lose(self) -> None:
        """Another program has taken the terminal: leave it alone, and stop reading it."""
        self.is_away = True
        self.exit_event.set()
        if self._key_thread is not None:
            self._key_thread.join()
        self.exit_event.clear()
        super().close()

    def run_input_thread(self) -> None:
        """Read keys until the app leaves the terminal, or that has gone."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        is_last = False
        while not is_last:
            is_last = self.exit_event.is_set()  # then what still comes is read once more
            has_input = bool(select.select([self.fileno], [], [], _CHECKS)[0])
            if has_input and not self.is_in_foreground():
                self.exit_event.wait(_CHECKS)  # it is typed for another program
            elif has_input:
                data = self._read()
                if data is None:
                    self.owner.terminal_is_gone()
                    return
                for event in parser.feed(decode(data)):
                    self.process_message(event)
            for event in parser.tick():
                self.process_message(event)
        with suppress(EOFError, ParseError):
            list(parser.feed(""))

    def _read(self) -> bytes | None:
        """What was typed; None when the terminal is gone, of which there may be no signal."""
        try:
            data = os.read(self.fileno, 4096)
        except OSError:
            return None
        # A terminal that another program has set gives Ctrl-D as an end; one that is gone is none.
        return data if data or os.isatty(self.fileno) else None
