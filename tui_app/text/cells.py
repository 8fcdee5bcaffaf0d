"""Shortens texts to the cells there is room for; what is cut ends in …"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

ELLIPSIS = "…"


def cut(text: Text, width: int) -> Text:
    """`text`, or as much of it as fits in `width` cells, with no space before the …"""
    if text.cell_len <= width:
        return text
    if width < 1:
        return Text()
    kept = text.copy()
    kept.right_crop(len(text) - _fitting(text.plain, width - 1))
    kept.rstrip()
    return kept.append(ELLIPSIS)


def _fitting(plain: str, width: int) -> int:
    """How many characters of `plain` fit in `width` cells. Half a wide character doesn't count."""
    kept = set_cell_size(plain, width)
    return len(kept) if plain.startswith(kept) else len(kept) - 1


def shortened(words: Sequence[str], room: int, whole: int = -1) -> list[str]:
    """`words` so that together they take at most `room` cells, if they can: the longest are cut
    first, and the one at `whole` last.
    """
    widths = [cell_len(word) for word in words]
    while sum(widths) > room:
        longest = max((i for i in range(len(words)) if i != whole), key=widths.__getitem__)
        if widths[longest] <= 2:
            break
        widths[longest] -= 1
    return [cut(Text(word), width).plain for word, width in zip(words, widths, strict=True)]
