"""Appends to log.txt a line of text for each event of a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from models.user_files.error_location import user_traceback
from tui_app.runs.files.durable_files import AppendedFile


class LogFile:
    """Appends events to log.txt in the lines that `to_lines` makes of them, each with its time; a
    listener.
    """

    def __init__(self, path: Path, to_lines: Callable[[Any], Iterable[str]]) -> None:
        self._file = AppendedFile(path)
        self._to_lines = to_lines

    def __call__(self, event: Any) -> None:
        """Write the event's lines. Raises OSError; a later event writes them again."""
        lines = list(self._to_lines(event))
        if not lines:
            return
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        for line in lines:
            self._file.add(f"{now}  {line}")
        self._file.write_out()

    def add_traceback(self, error: BaseException) -> None:
        """Write the traceback of `error`, from the user's file on if the error comes from one."""
        for line in user_traceback(error):
            self._file.add(line)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
