"""Appends to log.txt a line of text for each event of a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from models.user_files.error_location import user_traceback
from tui_app.runs.files.durable_files import AppendedFile


class LogFile:
    """Appends events to log.txt as `to_text` words them, each with its time; a listener."""

    def __init__(self, path: Path, to_text: Callable[[Any], str | None]) -> None:
        self._file = AppendedFile(path)
        self._to_text = to_text

    def __call__(self, event: Any) -> None:
        """Write the event's line, if it has one. Raises OSError; a later event writes it again."""
        text = self._to_text(event)
        if text is not None:
            self._file.add(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {text}")
            self._file.write_out()

    def add_traceback(self, error: BaseException) -> None:
        """Write the traceback of `error`, from the user's file on if the error comes from one."""
        for line in user_traceback(error):
            self._file.add(line)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
