"""Cuts and pads texts to a number of terminal cells; a text that was cut ends in …"""

from __future__ import annotations

import os.path
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


def cut_string(text: str, width: int) -> str:
    """Like `cut`, for a text without styles."""
    if cell_len(text) <= width:
        return text
    return text[: _fitting(text, width - 1)].rstrip() + ELLIPSIS if width > 0 else ""


def padded(text: str, width: int, *, right: bool = False) -> str:
    """`text` in exactly `width` cells: cut, or filled up with spaces; `right` aligns it right."""
    text = cut_string(text, width)
    space = " " * (width - cell_len(text))
    return space + text if right else text + space


def _fitting(plain: str, width: int) -> int:
    """How many characters of `plain` fit in `width` cells. Half a wide character doesn't count."""
    kept = set_cell_size(plain, width)
    return len(kept) if plain.startswith(kept) else len(kept) - 1


def shrunk(widths: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """`widths` made smaller until their sum is `room`, if that can be: the next cell is always
    taken from the width that exceeds its `least` by the most.
    """
    result = list(widths)
    for _ in range(sum(result) - room):
        at = max(range(len(result)), key=lambda i: result[i] - least[i])
        if result[at] <= least[at]:
            break
        result[at] -= 1
    return result


def cut_together(words: Sequence[str], room: int, uncut: int = -1) -> list[str]:
    """`words`, cut so that together they take at most `room` cells, if that can be. The longest
    are cut first, to 2 cells at least; the one at `uncut` stays whole.
    """
    widths = [cell_len(word) for word in words]
    least = [width if i == uncut else 2 for i, width in enumerate(widths)]
    return [
        cut_string(word, width)
        for word, width in zip(words, shrunk(widths, least, room), strict=True)
    ]


def cut_distinct(names: Sequence[str], width: int) -> list[str]:
    """`names` in at most `width` cells each, cut so that no two are equal, if that can be.

    Of names that begin alike the last letter is the first one in which they differ: Pl, Pr.
    """
    short = [set_cell_size(name, width).rstrip() for name in names]
    result = list(short)
    for place, name in enumerate(names):
        alike = [other for other, start in zip(names, short, strict=True) if start == short[place]]
        if len(alike) > 1 and cell_len(name) > width > 1:
            length = len(os.path.commonprefix(alike))  # noqa: RUF071  letters are meant
            result[place] = name[: width - 1] + name[min(length, len(name) - 1)]
    return result
