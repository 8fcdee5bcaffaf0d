"""Escapes control characters, which a terminal would act upon."""

from __future__ import annotations

import unicodedata


def printable(text: str) -> str:
    """`text` with its control and format characters escaped."""
    return "".join(
        char if unicodedata.category(char)[0] != "C" else char.encode("unicode_escape").decode()
        for char in text
    )
