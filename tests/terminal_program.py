"""Runs a program on a pseudo-terminal, and reads its screen."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import signal
import time
from collections.abc import Callable, Sequence

import pexpect
import psutil
import pyte

from tests.program import LONGEST, command, environment

_PROMPT = "(the shell waits) "


class Terminal:
    """tutorch on a pty; `text` is what stands on its screen.

    The program executes the code `first` before it begins. `in_shell` it is a job of a shell, which
    the terminal belongs to.
    """

    def __init__(
        self,
        *argv: object,
        size: tuple[int, int] = (120, 36),
        first: str = "",
        in_shell: bool = False,
        **variables: str,
    ) -> None:
        width, height = size
        self._screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self._screen)
        program, *words = command(*argv, first=first)
        job = shlex.join([program, *words])
        if in_shell:
            program, words = "bash", ["--norc", "--noprofile", "--noediting", "-i"]
        surroundings = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "COLORTERM": "", **variables}
        surroundings["PS1"] = _PROMPT
        self._child = pexpect.spawn(
            program, words, dimensions=(height, width), env=environment(**surroundings)
        )
        self._child.delaybeforesend = None  # pexpect would wait 50 ms before each key
        self.raw = b""
        if in_shell:
            self.press(f"{job}\r")

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *exception: object) -> None:
        if not self._child.closed and self._child.isalive():
            self._child.kill(signal.SIGKILL)
            self._child.wait()
        self._child.close()

    @property
    def pid(self) -> int:
        """The program's process."""
        assert self._child.pid is not None
        return self._child.pid

    @property
    def text(self) -> str:
        """The screen, line by line."""
        self.read()
        return "\n".join(self._screen.display)

    def until(self, condition: Callable[[], object], seconds: float = LONGEST) -> None:
        """Read until something is so."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"not so after {seconds} s:\n{self.text}")
            time.sleep(0.05)

    def shows(self, *words: str) -> None:
        """Wait until all of `words` are on the screen."""
        self.until(lambda: all(word in self.text for word in words))

    def writes(self, *marks: bytes, after: int = 0) -> None:
        """Wait until the program has written all of `marks` since byte `after`."""

        def are_written() -> bool:
            self.read()
            return all(mark in self.raw[after:] for mark in marks)

        self.until(are_written)

    def leave_shell(self) -> int:
        """End the shell, once it waits for a command: its exit code."""
        self.until(lambda: self.read() or self.raw.endswith(_PROMPT.encode()))
        self.press("exit\r")
        return self.exit_code()

    def seconds_until(self, key: str, marks: Sequence[bytes], after: float) -> float:
        """Press a key: the seconds until one of `marks` is written.

        Before, what is written is read `after` seconds long, as a terminal does, so that nothing
        waits in the pty. Nothing of it is drawn: that would take longer than what is measured.
        """
        begun = time.perf_counter()
        while (left := begun + after - time.perf_counter()) > 0:
            with contextlib.suppress(pexpect.TIMEOUT):
                self._child.read_nonblocking(65536, timeout=left)
        written = b""
        started = time.perf_counter()
        self.press(key)
        while not any(mark in written for mark in marks):
            written += self._child.read_nonblocking(65536, timeout=10)
        return time.perf_counter() - started

    def press(self, keys: str) -> None:
        """Type."""
        self._child.send(keys)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program."""
        os.kill(self.pid, number)

    def hang_up(self) -> int:
        """Take the terminal away, as a broken connection does; the program's pid."""
        process = self._child.ptyproc  # pyright: ignore[reportAttributeAccessIssue]
        process.fileobj.close()
        self._child.closed = process.closed = True
        return self.pid

    def resize(self, width: int, height: int) -> None:
        """Another size."""
        self._child.setwinsize(height, width)
        self._screen.resize(height, width)

    def fill(self) -> None:
        """Let the program draw, and read nothing, until the pty takes no more of it."""
        name = psutil.Process(self.pid).terminal()
        assert name is not None
        writing, end = os.open(name, os.O_WRONLY | os.O_NOCTTY), time.monotonic() + LONGEST
        try:
            while select.select([], [writing], [], 0)[1]:
                assert time.monotonic() < end
                self.resize(100, 30)
                self.resize(120, 36)
                time.sleep(0.05)  # the program draws
        finally:
            os.close(writing)

    def exit_code(self, seconds: float = LONGEST) -> int:
        """Wait for the end: the exit code."""
        end = time.monotonic() + seconds
        while self._child.isalive():
            self.read()
            if time.monotonic() > end:
                raise AssertionError(f"still running after {seconds} s:\n{self.text}")
            time.sleep(0.05)
        self.read()
        self._child.close()
        assert self._child.signalstatus is None, f"killed by signal {self._child.signalstatus}"
        assert self._child.exitstatus is not None
        return self._child.exitstatus

    @property
    def is_restored(self) -> bool:
        """Whether the program has left the alternate screen, the mouse and the cursor as found."""
        pairs = [(b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h")]
        pairs += [(b"\x1b[?1000h", b"\x1b[?1000l"), (b"\x1b[?2004h", b"\x1b[?2004l")]
        return all(self.raw.rfind(last) >= self.raw.rfind(first) for first, last in pairs)

    def read(self) -> None:
        """Take in what the program has written."""
        while True:
            try:
                data = self._child.read_nonblocking(65536, timeout=0)
            except (pexpect.TIMEOUT, pexpect.EOF):
                return
            self._take_in(data)

    def _take_in(self, data: bytes) -> None:
        self.raw += data
        # pyte takes the end of kitty's keyboard protocol for a cursor movement
        self._stream.feed(data.replace(b"\x1b[<u", b"").replace(b"\x1b[>25u", b""))
