"""Detects whether the terminal can show the app, and how to draw on it."""

from __future__ import annotations

import locale
import os
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class DisplayOptions:
    """How the app draws: `fps` frames a second at most, and in ASCII if `ascii` is set.

    `keep_wide` keeps characters two cells wide, for a terminal that shows Chinese correctly but not
    lines.
    """

    fps: float = 4.0
    ascii: bool = False
    keep_wide: bool = True

    @classmethod
    def detect(cls, *, fps: float, ascii_only: bool) -> DisplayOptions:
        """Return the options for this terminal."""
        if ascii_only or not shows_unicode():
            return cls(fps, ascii=True, keep_wide=False)
        return cls(fps, ascii=ambiguous_is_wide())


def can_show_app() -> bool:
    """Whether the program runs interactively on a terminal that can draw the app."""
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    return is_terminal and os.environ.get("TERM", "dumb") != "dumb" and not os.environ.get("CI")


def shows_unicode() -> bool:
    """Whether the locale says that the terminal shows more than ASCII.

    With LC_ALL=C it doesn't, though Python encodes as UTF-8 there too. Where no locale is set, as
    in a container, or only LANG is C, Python assumes C.UTF-8, and so does tutorch.
    """
    is_utf8 = "utf" in locale.getpreferredencoding(do_setlocale=False).lower()
    return is_utf8 and _locale_name() not in ("C", "POSIX")


def _locale_name() -> str:
    """Return the locale that the environment sets for characters."""
    names = [os.environ.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG")]
    return next(filter(None, names), "")


def ambiguous_is_wide() -> bool:
    """Whether lines and dots take two cells, as East Asian terminals can be set to.

    Only the terminal knows: this draws a line and queries the cursor's position. In other locales
    it doesn't, since the reply is slow over a slow connection.
    """
    if os.name != "posix" or _locale_name()[:2] not in ("zh", "ja", "ko"):
        return False
    return _column_after("─") == 3


def _column_after(sign: str) -> int:
    """Return the cursor's column after `sign` at the start of a line; 0 without a reply."""
    import select
    import termios
    import tty

    before = termios.tcgetattr(0)
    try:
        tty.setcbreak(0)
        os.write(1, f"\r{sign}\x1b[6n".encode())
        reply = b""
        while not reply.endswith(b"R") and select.select([0], [], [], 0.3)[0]:
            read = os.read(0, 32)
            if not read:  # the terminal is gone
                break
            reply += read
        os.write(1, b"\r\x1b[K")
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
    column = reply.rpartition(b";")[2].rstrip(b"R")
    return int(column) if column.isdigit() else 0
