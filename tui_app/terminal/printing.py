"""Prints data on stdout and messages on stderr, both without control codes."""

from __future__ import annotations

import codecs
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from textwrap import indent
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tui_app.terminal.display_options import shows_unicode
from tui_app.terminal.streams import data_stream
from tui_app.text.ascii_signs import in_ascii
from tui_app.text.columns import Column, aligned, fitted_widths, natural_widths
from tui_app.text.escaping import printable


class _Console(Console):
    """A console that raises BrokenPipeError when nothing reads its pipe."""

    def on_broken_pipe(self) -> None:
        """Raise the BrokenPipeError again, where rich would exit."""
        raise  # noqa: PLE0704 # rich calls this where it is handled


def stderr_console() -> Console:
    """Return the console for messages."""
    is_file = not sys.stderr.isatty()  # which has no width to wrap lines to
    return _Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=is_file)


def stdout_console() -> Console:
    """Return the console for a command's result."""
    return _Console(highlight=False, markup=False, emoji=False)


def print_json(values: Any, *, indent: int | None = 2) -> None:
    """Print a JSON document on stdout; without `indent` on one line."""
    data_stream().write(json.dumps(values, ensure_ascii=False, indent=indent) + "\n")


def print_json_list(values: dict[str, Any], name: str, items: Iterable[Any]) -> None:
    """Print the values as JSON, then the list `name`, of which one item is in memory."""
    opened = json.dumps({**values, name: []}, ensure_ascii=False, indent=2).removesuffix("]\n}")
    stream = data_stream()
    stream.write(opened)
    separator = ""
    for item in items:
        text = json.dumps(item, ensure_ascii=False, indent=2)
        stream.write(f"{separator}\n{indent(text, '    ')}")
        separator = ","
    stream.write("\n  ]\n}\n" if separator else "]\n}\n")


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()
) -> None:
    """Print a table on stdout; `right` names the columns of numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=any(columns))
    for column in columns:
        table.add_column(
            Text(printable(column)), justify="right" if column in right else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console = stdout_console()
    if not console.is_terminal:  # a pipe has no width to fit into
        console.width = 10_000
    console.print(table)


def print_list(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Print a list on stdout, one line a row; a terminal gets what fits, a pipe everything."""
    cells = [[column.title for column in columns], *rows]
    cells = [[" ".join(printable(cell).split()) for cell in row] for row in cells]
    natural = natural_widths(cells)
    console = stdout_console()
    is_pipe = not console.is_terminal
    widths = natural if is_pipe else fitted_widths(columns, natural, console.width)
    for number, row in enumerate(cells):
        line = Text(aligned(columns, row, widths), style="" if number else "bold")
        if any(row):
            console.print(line, no_wrap=True, overflow="ignore", crop=not is_pipe)


#: Seconds to try writing to a terminal before the program exits.
_WRITE_SECONDS = 0.1


def write_without_blocking(terminal: int, codes: str) -> None:
    """Write control codes to a terminal just before the program exits.

    Gives up on a terminal that is gone or doesn't read. While another thread writes to it, it
    accepts no other write, so this tries again for a moment.
    """
    end = time.monotonic() + _WRITE_SECONDS
    with suppress(OSError):
        os.set_blocking(terminal, False)
        try:
            while True:
                with suppress(BlockingIOError):
                    os.write(terminal, codes.encode())
                    return
                if time.monotonic() > end:
                    return
                time.sleep(_WRITE_SECONDS / 20)
        finally:
            os.set_blocking(terminal, True)  # the terminal's next user shares this setting


def print_to_stderr(text: str) -> None:
    """Print a message on stderr, if that can be written."""
    lines = [printable(line) for line in f"tutorch: {text}".splitlines()]
    with suppress(OSError):
        stderr_console().print(Text("\n".join(lines)))


def encode_streams() -> None:
    """Encode output as UTF-8 in any locale, but as ASCII for a terminal that shows only ASCII.

    rich then draws its bars in ASCII, too.
    """
    codecs.register_error("ascii signs", _replace_characters)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is None:
            continue
        if stream.isatty() and not shows_unicode():
            reconfigure(encoding="ascii", errors="ascii signs")
        else:
            reconfigure(encoding="utf-8", errors="replace")


def _replace_characters(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that an encoding lacks; an error handler of `codecs`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return in_ascii(error.object[error.start : error.end]), error.end
