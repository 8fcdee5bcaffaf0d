"""Standard output and error: closed, full, read by no one any more, or kept for data alone."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

#: What the system says of a stream that has no other end any more; a full disk may have room again.
_GONE = {errno.EPIPE, errno.EIO, errno.ENXIO, errno.EBADF, errno.ECONNRESET}

_NAMES = ("standard input", "standard output", "standard error")

#: Given the name of a stream that takes nothing more, and what the system says of it.
OnFailure = Callable[[str, OSError], None]


#: The streams that were closed when the program began, by what they are called.
closed_at_start: list[str] = []


def open_missing_streams() -> None:
    """Let the standard streams that this program was started without lead nowhere.

    Otherwise the next file that is opened would become one of them.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
            closed_at_start.append(_NAMES[number])
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            stream = os.fdopen(number, mode, encoding="utf-8", closefd=False)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def is_disconnected(error: OSError) -> bool:
    """Whether a stream that failed with this error can never be written again."""
    return error.errno in _GONE


def silence(stream: TextIO) -> None:
    """Let all that is still written to the stream, by whatever library, lead nowhere."""
    with suppress(OSError, ValueError):  # it has no descriptor, or none any more
        number = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)
    with suppress(OSError, ValueError):
        stream.flush()


#: The streams that `stdout_for_data` keeps for data, the one that does so now last.
_reserved: list[TextIO] = []


def data_stream() -> TextIO:
    """Where data go: standard output, also while `stdout_for_data` keeps it from everyone else."""
    return _reserved[-1] if _reserved else sys.stdout


@contextmanager
def stdout_for_data() -> Iterator[None]:
    """Keep standard output for what is written to `data_stream`.

    All else that is printed meanwhile, by a user's net, a library or a program that they start,
    goes to standard error. Raises OSError when the data can't be written.
    """
    before = data = sys.stdout
    before.flush()
    is_descriptor = _number_of(before) == 1
    if is_descriptor:  # what writes to the descriptor itself is led away too
        data = os.fdopen(os.dup(1), "w", encoding=before.encoding, errors=before.errors, newline="")
        os.dup2(2, 1)
    sys.stdout = sys.stderr
    _reserved.append(data)
    try:
        yield
        data.flush()
    finally:
        _reserved.pop()
        sys.stdout = before
        if is_descriptor:
            with suppress(OSError):
                before.flush()  # what was written to sys.__stdout__
            os.dup2(data.fileno(), 1)
            with suppress(OSError):  # what it doesn't take was said above
                data.close()


def _number_of(stream: TextIO) -> int | None:
    """The stream's descriptor, if it has one."""
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None


class TolerantStream:
    """Stands in for a text stream: what that doesn't take is lost, and raises nothing.

    `on_failure` is told the first time. A stream that is gone, and standard output that is full
    and would go on in the middle of a line, are written to no more.
    """

    def __init__(self, stream: TextIO | None, name: str, on_failure: OnFailure) -> None:
        assert stream is not None  # `open_missing_streams` has seen to that
        self._stream = stream
        self._name = name
        self._on_failure = on_failure
        self._has_failed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, if it can be done."""
        try:
            self._stream.write(text)
        except OSError as error:
            self._fail(error)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write, if it can be done."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Bring what was written to its place, if it can be done."""
        try:
            self._stream.flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        if is_disconnected(error) or self._name == _NAMES[1]:
            silence(self._stream)
        if not self._has_failed:
            self._has_failed = True
            self._on_failure(self._name, error)


@contextmanager
def tolerant_streams(on_failure: OnFailure) -> Iterator[None]:
    """Let printing raise nothing while this context lasts, in whatever code."""
    before = sys.stdout, sys.stderr
    out: Any = TolerantStream(data_stream(), _NAMES[1], on_failure)
    err: Any = TolerantStream(sys.stderr, _NAMES[2], on_failure)
    sys.stdout, sys.stderr = err if _reserved else out, err
    _reserved.append(out)
    try:
        yield
    finally:
        _reserved.pop()
        out.flush()
        err.flush()
        sys.stdout, sys.stderr = before
