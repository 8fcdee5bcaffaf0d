"""Frames for pictures that a command prints: their size, their pen, and how they are printed."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence

from rich.text import Text

from models.fields import InvalidValue
from tui_app.drawing.pen import Pen
from tui_app.terminal.printing import stdout_console

#: Columns and rows where there is no terminal.
_SIZE = (100, 30)


def frame_size(text: str) -> tuple[int, int]:
    """Parse `120x36`; without a text, return the terminal's size. Raises InvalidValue."""
    if not text:
        if not sys.stdout.isatty():
            return _SIZE
        console = stdout_console()
        return console.width, console.height - 1
    match = re.fullmatch(r"(\d{2,3})x(\d{1,3})", text)
    if match is None or int(match[1]) < 20 or int(match[2]) < 5:
        raise InvalidValue(f"--size takes columns and rows from 20x5 on, such as 120x36: {text!r}")
    return int(match[1]), int(match[2])


def printing_pen(*, ascii_only: bool, is_saved: bool = False) -> Pen:
    """Return the pen for stdout, or for a picture that is saved in a file."""
    is_plain = bool(os.environ.get("NO_COLOR")) or not (is_saved or sys.stdout.isatty())
    return Pen(colour=not is_plain, ascii=ascii_only)


def print_lines(lines: Sequence[Text], columns: int) -> None:
    """Print a picture of so many columns on stdout."""
    console = stdout_console()
    console.width = max(columns, console.width)
    for line in lines:
        console.print(line, overflow="crop")
