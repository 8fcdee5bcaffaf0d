"""Chooses the colours of curves for a theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.theme import Theme

#: Colours that colour-blind people can distinguish (Okabe and Ito, 2008), darker on light.
_ON_DARK = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#0072B2", "#B5A900", "#999999")
_ON_LIGHT = ("#0072B2", "#C77700", "#00775A", "#A8487D", "#B84A00", "#3B9BD4", "#7F7600", "#666666")
_ANSI = ("blue", "yellow", "green", "magenta", "red", "cyan", "bright_yellow", "white")


def series_colours(theme: Theme) -> dict[str, str]:
    """The theme variables `series-1` to `series-8`, for an ANSI theme the terminal's colours."""
    named = [f"ansi_{name}" for name in _ANSI]
    colours = named if theme.ansi else _ON_DARK if theme.dark else _ON_LIGHT
    return {f"series-{number}": colour for number, colour in enumerate(colours, 1)}
