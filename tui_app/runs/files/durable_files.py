"""Writes files so that readers, also after a crash, find the old content or the new."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from tui_app.runs.files.run_files import is_there, open_file


def replace_file(
    path: Path,
    write: Callable[[IO[bytes]], object],
    *,
    durable: bool = True,
    previous: Path | None = None,
) -> None:
    """Write a temporary file beside `path`, sync it to the disk, and rename it to `path`.

    The old file is renamed to `previous`, if given: at any moment one of the two is whole. Without
    `durable` a power cut may undo the write, but no reader ever sees half of it.
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
    """Sync a file to the disk, whichever program wrote it; do nothing if there is none."""
    with suppress(FileNotFoundError), open_file(path, "r+b") as file:
        os.fsync(file.fileno())


def write_json(path: Path, values: Any, *, indent: int | None = 2, durable: bool = True) -> None:
    """Replace `path` with `values` as JSON in UTF-8, on one line without an `indent`."""
    text = json.dumps(values, ensure_ascii=False, indent=indent, allow_nan=False) + "\n"
    # A command-line argument may hold bytes that aren't text; JSON has an escape for those.
    encoded = text.encode(errors="backslashreplace")
    replace_file(path, lambda file: file.write(encoded), durable=durable)


class CutShort(OSError):
    """Another program shortened or replaced a file that lines are appended to."""


class AppendedFile:
    """A file that lines are appended to. Lines that couldn't be written are kept and tried again.

    If another program removes the file, replaces it, or cuts it off within a line, later lines are
    still written, as lines of their own.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unwritten = bytearray()
        self._file = self._open()

    def add(self, line: str) -> None:
        """Add a line at the next `write_out`."""
        self._unwritten += line.encode() + b"\n"

    def write_out(self, *, durable: bool = False) -> None:
        """Write the lines that were added, and sync them to the disk if `durable`.

        Raises OSError; the lines are kept until they can be written. CutShort, an OSError too, is
        raised after everything was written.
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
                f"another program cut or replaced {self._path}: some of what was recorded is "
                "missing there"
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
        """Reopen the file if it was cut or replaced, and return whether it was."""
        now = os.fstat(self._file.fileno())
        if now.st_nlink and now.st_size >= self._size:
            return False
        gone, self._file = self._file, self._open()
        gone.close()
        return True

    def close(self) -> None:
        """Close the file; lines that still can't be written are lost."""
        with self._file, suppress(OSError):
            self.write_out()


def sync_folder(folder: Path) -> None:
    """Sync a folder's entries, such as a rename, to the disk, on systems that can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
