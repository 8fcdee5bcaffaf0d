"""Handles standard output and error when they are closed, full or unread, or reserved for data."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

#: Errors of a stream that nothing reads any more. A full disk isn't one: it may have room again.
_DISCONNECTED = {errno.EPIPE, errno.EIO, errno.ENXIO, errno.EBADF, errno.ECONNRESET}

_NAMES = ("standard input", "standard output", "standard error")

#: Called with the name of a stream that can't be written any more, and its error.
OnFailure = Callable[[str, OSError], None]


#: The names of the streams that were closed when the program started.
closed_at_start: list[str] = []


def open_missing_streams() -> None:
    """Open /dev/null for the standard streams that this program was started without.

    Otherwise the next file that is opened would become one of them.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number: this one
            closed_at_start.append(_NAMES[number])
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            stream = os.fdopen(number, mode, encoding="utf-8", closefd=False)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def is_disconnected(error: OSError) -> bool:
    """Whether a stream that failed with this error can never be written again."""
    return error.errno in _DISCONNECTED


def discard_output(stream: TextIO) -> None:
    """Discard all that is still written to the stream, by any library."""
    with suppress(OSError, ValueError):  # it has no descriptor, or no longer
        number = stream.fileno()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, number)
        os.close(null)
    with suppress(OSError, ValueError):
        stream.flush()


class HeldOutput:
    """Holds back what any library writes to a stream, until that is shown or discarded."""

    def __init__(self, stream: TextIO) -> None:
        stream.flush()
        self._stream = stream
        self._shown = os.dup(stream.fileno())
        self._held = tempfile.TemporaryFile()  # noqa: SIM115  closed by show or discard
        os.dup2(self._held.fileno(), stream.fileno())

    def show(self) -> None:
        """Write what was held back, and hold nothing back any more."""
        self._stream.flush()
        os.dup2(self._shown, self._stream.fileno())
        self._held.seek(0)
        with suppress(OSError), os.fdopen(self._shown, "wb") as shown:
            shown.write(self._held.read())
        self._held.close()

    def discard(self) -> None:
        """Discard what was held back, and all that is still written."""
        discard_output(self._stream)
        os.close(self._shown)
        self._held.close()


#: The streams that `stdout_for_data` reserves for data, the current one last.
_reserved: list[TextIO] = []


def data_stream() -> TextIO:
    """Return standard output, also while `stdout_for_data` reserves it."""
    return _reserved[-1] if _reserved else sys.stdout


@contextmanager
def stdout_for_data() -> Iterator[None]:
    """Reserve standard output for what is written to `data_stream`.

    Everything else that is printed meanwhile, by a user's net, a library or a program that they
    start, goes to standard error. Raises OSError when the data can't be written.
    """
    before = data = sys.stdout
    before.flush()
    is_descriptor = _descriptor_of(before) == 1
    if is_descriptor:  # redirects what writes to the descriptor itself, too
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
            with suppress(OSError):  # reported by `data.flush` above
                data.close()


def _descriptor_of(stream: TextIO) -> int | None:
    """Return the stream's descriptor, if it has one."""
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None


class TolerantStream:
    """Wraps a text stream and raises nothing when it can't be written; the text is lost.

    The first failure calls `on_failure`. After a failure, a disconnected stream isn't written any
    more, nor is standard output on a full disk, which would continue in the middle of a line.
    """

    def __init__(self, stream: TextIO | None, name: str, on_failure: OnFailure) -> None:
        assert stream is not None  # `open_missing_streams` opens it
        self._stream = stream
        self._name = name
        self._on_failure = on_failure
        self._has_failed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, if possible."""
        try:
            self._stream.write(text)
        except OSError as error:
            self._fail(error)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write, if possible."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush, if possible."""
        try:
            self._stream.flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        if is_disconnected(error) or self._name == _NAMES[1]:
            discard_output(self._stream)
        if not self._has_failed:
            self._has_failed = True
            self._on_failure(self._name, error)


@contextmanager
def tolerant_streams(on_failure: OnFailure) -> Iterator[None]:
    """Let printing raise nothing in this context, in any code."""
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
