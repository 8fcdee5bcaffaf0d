"""Replaces characters that aren't ASCII by ASCII ones that take as many cells."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_SIGNS = {
    **dict.fromkeys("─╌╍┄┅▁▂▔▀▄╸╺╴╶", "-"),
    **dict.fromkeys("━═", "="),
    **dict.fromkeys("│┃║▌▐▎▏▕▊▉▍▋╎┆", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯┏┓┗┛╔╗╚╝┠┨┯┷╋", "+"),
    **dict.fromkeys("●•▪■◆★", "*"),
    **dict.fromkeys("○◯◇☆·", "."),
    **dict.fromkeys("▶▸►→⭘", ">"),
    **dict.fromkeys("◀◂◄←", "<"),
    **dict.fromkeys("▼▾↓", "v"),
    **dict.fromkeys("▲▴↑⌃", "^"),
    **dict.fromkeys("✓✔", "+"),
    **dict.fromkeys("×✕✗", "x"),
    **dict.fromkeys("“”„", '"'),
    **dict.fromkeys("‘’", "'"),
    **dict.fromkeys("–—−", "-"),
    "…": "~",
    "█": "#",
    "▓": "#",
    "▒": "+",
    "░": ".",
    **dict(zip("∂σ√ΣΠ÷≈≤≥", "dsvSP/~<>", strict=True)),
    "²": "2",
}


@lru_cache(4096)
def in_ascii(text: str, keep_wide: bool = False) -> str:
    """Return `text` in ASCII, equally wide; `keep_wide` keeps characters two cells wide."""
    if text.isascii():
        return text
    text = text.replace("≥ ", ">=").replace("≤ ", "<=")
    return "".join(_sign(char, keep_wide) for char in text)


def _sign(char: str, keep_wide: bool) -> str:
    if char.isascii():
        return char
    if char in _SIGNS:
        return _SIGNS[char]
    if "\u2800" <= char <= "\u28ff":  # braille
        return " " if char == "\u2800" else "."
    if unicodedata.east_asian_width(char) in "WF":
        return char if keep_wide else "??"
    plain = unicodedata.normalize("NFKD", char)[:1]
    return plain if plain.isascii() and plain.isprintable() and plain else "?"
