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
        if ascii_only or "utf" not in locale.getpreferredencoding(do_setlocale=False).lower():
            return cls(fps, ascii=True, keep_wide=False)
        return cls(fps, ascii=ambiguous_is_wide())


def can_show_app() -> bool:
    """Whether a person sits at a terminal that can draw the app."""
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    return is_terminal and os.environ.get("TERM", "dumb") != "dumb" and not os.environ.get("CI")


def ambiguous_is_wide() -> bool:
    """Whether lines and dots take two cells here, as East Asian terminals may be set to.

    Only the terminal knows: one is drawn, and the cursor asked where it stands. Elsewhere than in
    such a locale nobody is asked, since an answer takes its time over a slow line.
    """
    languages = [os.environ.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG")]
    language = next(filter(None, languages), "")
    if os.name != "posix" or language[:2] not in ("zh", "ja", "ko"):
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
            answer += os.read(0, 32)
        os.write(1, b"\r\x1b[K")
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
    column = answer.rpartition(b";")[2].rstrip(b"R")
    return int(column) if column.isdigit() else 0
