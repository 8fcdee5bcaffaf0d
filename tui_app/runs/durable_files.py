"""Writing files so that a reader, or a crash at any moment, finds the old content or the new."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from tui_app.runs.run_files import is_there, open_file


def replace_file(
    path: Path,
    write: Callable[[IO[bytes]], object],
    *,
    durable: bool = True,
    previous: Path | None = None,
) -> None:
    """Write a temporary file beside `path`, bring it to the disk, and put it in `path`'s place.

    What was there is kept as `previous`, if one is named: at any moment one of the two is whole.
    Without `durable` a power cut may take the new content back; no reader ever sees half of it.
    """
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        if previous is not None and is_there(path):
            path.replace(previous)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Bring what was written to a file to the disk, whoever wrote it; nothing if there is none."""
    with suppress(FileNotFoundError), open_file(path, "r+b") as file:
        os.fsync(file.fileno())


def write_json(path: Path, values: Any, *, indent: int | None = 2, durable: bool = True) -> None:
    """Replace `path` with `values` as JSON in UTF-8, on one line without an `indent`."""
    text = json.dumps(values, ensure_ascii=False, indent=indent, allow_nan=False) + "\n"
    # A word of the command line may hold bytes that are no text: JSON has an escape for those.
    encoded = text.encode(errors="backslashreplace")
    replace_file(path, lambda file: file.write(encoded), durable=durable)


class CutShort(OSError):
    """A file that lines are added to was shortened or replaced by somebody else."""


class AppendedFile:
    """A file that lines are added to. What the disk doesn't take is kept, and tried again.

    Should somebody remove the file, replace it, or cut it off in the middle of a line, what is
    added later still stands there, in lines of its own.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unwritten = bytearray()
        self._file = self._open()

    def add(self, line: str) -> None:
        """Add a line at the next `write_out`."""
        self._unwritten += line.encode() + b"\n"

    def write_out(self, *, durable: bool = False) -> None:
        """Write what was added, and bring it to the disk where it must be `durable`.

        Raises OSError; nothing is lost by that as long as the program lives. CutShort, an OSError
        too, is raised after everything was written.
        """
        was_cut = bool(self._unwritten) and self._mend()
        while self._unwritten:
            written = self._file.write(self._unwritten)
            self._size += written
            del self._unwritten[:written]
        if durable:
            os.fsync(self._file.fileno())
        if was_cut:
            raise CutShort(
                f"{self._path} was cut short or replaced by another program: some of what was "
                "recorded is missing there"
            )

    def _open(self) -> IO[bytes]:
        file = open_file(self._path, "a+b", buffering=0)
        self._size = file.seek(0, os.SEEK_END)
        if self._size:
            file.seek(self._size - 1)
            if file.read(1) != b"\n":
                self._unwritten[:0] = b"\n"
        return file

    def _mend(self) -> bool:
        """Find a whole line's end to write after: whether the file is not what it was."""
        now = os.fstat(self._file.fileno())
        if now.st_nlink and now.st_size >= self._size:
            return False
        gone, self._file = self._file, self._open()
        gone.close()
        return True

    def close(self) -> None:
        """Close the file; what the disk doesn't take now either is given up."""
        with self._file, suppress(OSError):
            self.write_out()


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries (a rename just made) to the disk, where a folder can be synced."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
