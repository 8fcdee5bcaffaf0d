"""Reads a file's lines, forwards or backwards, in bounded memory and linear time.

A file is read in chunks, each byte once. A line longer than LONGEST_LINE is skipped: it is neither
kept in memory nor parsed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from datasets.reading.progress import LoadingStopped

#: The most bytes of a line. A run writes one line per tenth of a second, a few hundred kilobytes
#: for the smallest net on the fastest machine.
LONGEST_LINE = 4 << 20

#: Bytes that are read at once.
CHUNK = 1 << 18


def skipped_lines(path: Path, count: int) -> str:
    """A sentence about `count` lines of a file that were skipped as too long."""
    lines = "a line" if count == 1 else f"{count} lines"
    return (
        f"{path.name}: skipped {lines} longer than {LONGEST_LINE >> 20} MB, "
        "which tutorch doesn't write"
    )


class LineSplitter:
    """Splits chunks of a file into its complete lines; `skipped` counts those that were too long.

    What follows the last line break is kept for the next chunk.
    """

    def __init__(self) -> None:
        self.skipped = 0
        self._pieces: list[bytes] = []
        self._length = 0

    def lines(self, chunk: bytes) -> list[bytes]:
        """The lines that are complete with this chunk, without their line breaks."""
        *ends, rest = chunk.split(b"\n")
        complete = []
        for piece in ends:
            self._add(piece)
            complete += self.rest()
        self._add(rest)
        return complete

    def rest(self) -> list[bytes]:
        """The incomplete last line, or nothing if it is too long."""
        is_too_long = self._length > LONGEST_LINE
        line = b"".join(self._pieces)
        self._pieces, self._length = [], 0
        self.skipped += is_too_long
        return [] if is_too_long else [line]

    def _add(self, piece: bytes) -> None:
        self._length += len(piece)
        self._pieces.append(piece)
        if self._length > LONGEST_LINE:
            self._pieces.clear()


def lines_forwards(
    file: IO[bytes], splitter: LineSplitter, stopped: Callable[[], bool] = bool
) -> Iterator[bytes]:
    """The lines of a file without their line breaks. Raises LoadingStopped once `stopped`."""
    while chunk := _read(file, CHUNK, stopped):
        yield from splitter.lines(chunk)
    yield from splitter.rest()


def lines_backwards(
    file: IO[bytes], end: int, stopped: Callable[[], bool] = bool
) -> Iterator[tuple[bytes, int]]:
    """The lines before the offset `end`, last first, with their line breaks, each with the offset
    of its first byte. One that is too long is empty. Raises LoadingStopped once `stopped`.
    """
    later: list[bytes] = []  # pieces of a line whose start isn't read yet, last piece first
    length = 0

    def joined(first: bytes) -> bytes:
        is_too_long = length + len(first) > LONGEST_LINE
        return b"" if is_too_long else b"".join((first, *reversed(later)))

    while end > 0:
        start = max(0, end - CHUNK)
        file.seek(start)
        chunk = _read(file, end - start, stopped)
        first, *others = chunk.split(b"\n")
        offset = start + len(chunk)
        for piece in reversed(others):
            offset -= len(piece)
            if length + len(piece) > 0:
                yield joined(piece), offset
            later, length, offset = [b"\n"], 1, offset - 1
        length += len(first)
        later.append(first)
        if length > LONGEST_LINE:
            later.clear()
        end = start
    if length > 0:
        yield joined(b""), 0


def _read(file: IO[bytes], size: int, stopped: Callable[[], bool]) -> bytes:
    if stopped():
        raise LoadingStopped("stopped while the run's metrics were read")
    return file.read(size)
