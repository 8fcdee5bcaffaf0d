"""Printing: stdout is data, stderr is narration, and neither ever passes on a control code."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tui_app.training.narrate import printable


def stderr_console() -> Console:
    """Where people read."""
    is_file = not sys.stderr.isatty()  # which has no width to wrap lines to
    return Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=is_file)


def stdout_console() -> Console:
    """Where what was asked for goes."""
    return Console(highlight=False, markup=False, emoji=False)


def print_json(values: Any) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(values, ensure_ascii=False, indent=2) + "\n")


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()
) -> None:
    """A table on stdout, `right` naming the columns of numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=any(columns))
    for column in columns:
        table.add_column(
            Text(printable(column)), justify="right" if column in right else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console = stdout_console()
    if not console.is_terminal:  # a pipe has no width to fit into
        console.width = 200
    console.print(table)


def write_last_words(terminal: int, codes: str) -> None:
    """Write control codes to a terminal just before the program leaves at once.

    One that reads no more, or is gone, doesn't get them: nobody waits for it.
    """
    with suppress(OSError):
        os.set_blocking(terminal, False)
        try:
            os.write(terminal, codes.encode())
        finally:
            os.set_blocking(
                terminal, True
            )  # whoever has this terminal next reads and writes it too


def complain(text: str) -> None:
    """Say on stderr what is wrong."""
    lines = [printable(line) for line in f"tutorch: {text}".splitlines()]
    stderr_console().print(Text("\n".join(lines)))


def utf8_streams() -> None:
    """Write UTF-8 whatever the locale says."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
