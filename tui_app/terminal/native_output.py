"""Keeps what is written to file descriptors 1 and 2 off the app's screen.

CUDA, OpenMP and worker processes write there without Python. While the app runs, both lead into a
pipe that a thread reads, since a full pipe would block the writer. What a lecture prints goes the
same way.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from typing import Any

from tui_app.terminal.streams import TolerantStream

#: Lines kept until they are read; beyond them, the oldest are dropped.
_LARGEST = 5_000


class NativeOutput:
    """Until `restore`, 1 and 2 are a pipe, and the app draws on the descriptor `terminal`."""

    def __init__(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self._before = {fd: os.dup(fd) for fd in (1, 2) if os.isatty(fd)}
        self.terminal = os.dup(next(iter(self._before.values())))
        self.lines: deque[str] = deque(maxlen=_LARGEST)
        reading, writing = os.pipe()
        for fd in self._before:
            os.dup2(writing, fd)
        os.close(writing)
        self._thread = threading.Thread(
            target=self._read, args=(reading,), name="native output", daemon=True
        )
        self._thread.start()

    def _read(self, reading: int) -> None:
        with open(reading, encoding="utf-8", errors="replace", newline="\n") as pipe:
            for line in pipe:
                self.lines.append(line.rstrip("\n"))

    def capture_prints(self) -> None:
        """Let Python print to 1 and 2 again, once Textual has replaced sys.stdout and sys.stderr.

        Textual's files drop what is printed, or put every line into the event loop's queue. Where
        one of the descriptors leads to a file, a full disk doesn't end training.
        """
        out: Any = TolerantStream(sys.__stdout__, "standard output", self._on_failure)
        err: Any = TolerantStream(sys.__stderr__, "standard error", self._on_failure)
        sys.stdout, sys.stderr = out, err

    def _on_failure(self, stream: str, error: OSError) -> None:
        self.lines.append(f"{stream} can't be written any more ({error.strerror})")

    def pop_lines(self) -> list[str]:
        """Return the lines written since the last call."""
        return [self.lines.popleft() for _ in range(len(self.lines))]

    def redirect_to_log(self, log: int) -> None:
        """Redirect 1 and 2 to the descriptor `log` for good, once the terminal is gone."""
        for fd, before in self._before.items():
            os.dup2(log, fd)
            os.dup2(log, before)

    def restore(self) -> None:
        """Restore 1 and 2."""
        sys.stdout.flush()
        sys.stderr.flush()
        for fd, before in self._before.items():
            os.dup2(before, fd)
            os.close(before)
        os.close(self.terminal)
