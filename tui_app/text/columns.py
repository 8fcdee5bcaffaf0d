"""Lays out rows of texts as aligned columns, in as many cells as there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from tui_app.text.cells import padded, shrunk

#: The cells between two columns.
GAP = 2


@dataclass(frozen=True)
class Column:
    """A column. Where not all fit, those of the least `importance` are left out.

    Before that its texts are cut down to `least` cells; with 0 they are never cut.
    """

    title: str
    importance: int = 0
    least: int = 0
    right: bool = False


def natural_widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """The cells of the longest text in each column of `rows`."""
    return [max(map(cell_len, column)) for column in zip(*rows, strict=True)]


def fitted_widths(columns: Sequence[Column], natural: Sequence[int], room: int) -> list[int]:
    """The cells of each column, 0 for one that is left out, such that all fit into `room`."""
    shown = [at for at, width in enumerate(natural) if width]
    while True:
        least = [columns[at].least or natural[at] for at in shown]
        widths = shrunk([natural[at] for at in shown], least, room - GAP * (len(shown) - 1))
        if sum(widths) + GAP * (len(shown) - 1) <= room or len(shown) <= 1:
            chosen = dict(zip(shown, widths, strict=True))
            return [chosen.get(at, 0) for at in range(len(columns))]
        shown.remove(min(shown, key=lambda at: columns[at].importance))


def aligned(columns: Sequence[Column], row: Sequence[str], widths: Sequence[int]) -> str:
    """A line with the texts of `row`; a column of width 0 is left out."""
    texts = [
        padded(text, width, right=column.right)
        for column, text, width in zip(columns, row, widths, strict=True)
        if width
    ]
    return (" " * GAP).join(texts).rstrip()
