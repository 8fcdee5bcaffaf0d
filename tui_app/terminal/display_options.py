"""Whether there is a terminal for the app, and how the app draws on it."""

from __future__ import annotations

import locale
import os
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """At most so many frames a second; ASCII alone where nothing else is shown right.

    `keep_wide` leaves letters two cells wide as they are, for a terminal that shows Chinese right
    and lines wrong.
    """

    fps: float = 4.0
    ascii: bool = False
    keep_wide: bool = True

    @classmethod
    def here(cls, *, fps: float, ascii_only: bool) -> Look:
        """How to draw on this terminal."""
        if ascii_only or not shows_unicode():
            return cls(fps, ascii=True, keep_wide=False)
        return cls(fps, ascii=ambiguous_is_wide())


def can_show_app() -> bool:
    """Whether a person sits at a terminal that can draw the app."""
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    return is_terminal and os.environ.get("TERM", "dumb") != "dumb" and not os.environ.get("CI")


def shows_unicode() -> bool:
    """Whether the locale is one of a terminal that shows more than ASCII.

    With LC_ALL=C it isn't, though Python's own encoding is UTF-8 there too. Where no locale is set
    at all, as in a container, or LANG alone is C, Python makes it C.UTF-8, and so do we.
    """
    is_utf8 = "utf" in locale.getpreferredencoding(do_setlocale=False).lower()
    return is_utf8 and _locale_name() not in ("C", "POSIX")


def _locale_name() -> str:
    """The locale of the signs that are shown, as the variables of the environment set it."""
    names = [os.environ.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG")]
    return next(filter(None, names), "")


def ambiguous_is_wide() -> bool:
    """Whether lines and dots take two cells here, as East Asian terminals may be set to.

    Only the terminal knows: one is drawn, and the cursor asked where it stands. Elsewhere than in
    such a locale nobody is asked, since an answer takes its time over a slow line.
    """
    if os.name != "posix" or _locale_name()[:2] not in ("zh", "ja", "ko"):
        return False
    return _column_after("─") == 3


def _column_after(sign: str) -> int:
    """The column of the cursor after `sign` at the beginning of a line; 0 if nobody answers."""
    import select
    import termios
    import tty

    before = termios.tcgetattr(0)
    try:
        tty.setcbreak(0)
        os.write(1, f"\r{sign}\x1b[6n".encode())
        answer = b""
        while not answer.endswith(b"R") and select.select([0], [], [], 0.3)[0]:
            read = os.read(0, 32)
            if not read:  # the terminal is gone
                break
            answer += read
        os.write(1, b"\r\x1b[K")
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
    column = answer.rpartition(b";")[2].rstrip(b"R")
    return int(column) if column.isdigit() else 0
