"""Chooses colours and signs by their meaning, also for terminals without colour or Unicode.

The hues are Okabe and Ito's, which people with any colour vision can distinguish; the ramps are
close to cividis (Nunez, Anderton and Renslow, 2018), which is ordered by brightness. No information
is in colour alone: marks differ in shape, and values are written or shaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

#: The style of each meaning: with colour, and without.
_STYLES = {
    "": ("", ""),
    "model": ("#56b4e9", ""),
    "data": ("#e69f00", ""),
    "good": ("#20b88a", ""),
    "bad": ("#e8743b", "bold"),
    "mark": ("#d991bd", "bold"),
    "faint": ("#808080", "dim"),
    "strong": ("bold", "bold"),
    "here": ("reverse", "reverse"),
}

#: Dark blue over grey to light yellow; red, green, blue from 0 to 255.
_CIVIDIS = np.array(
    [(0, 34, 78), (53, 69, 108), (102, 105, 112), (148, 142, 119), (200, 184, 102), (254, 232, 56)]
)
#: Blue over near black to orange, for numbers below and above zero.
_DIVERGING = np.array([(116, 196, 255), (30, 90, 150), (24, 24, 24), (165, 95, 10), (255, 186, 60)])
_GREY = np.array([(0, 0, 0), (255, 255, 255)])

_SHADES = " ░▒▓█"
_ASCII_SHADES = " .:-=+*%#@"


@dataclass(frozen=True)
class Pen:
    """How to draw: with colours or without, in ASCII alone or not.

    `hues` are a theme's colours for meanings; the others have those of this file.
    """

    colour: bool = True
    ascii: bool = False
    hues: Mapping[str, str] = field(default_factory=dict)

    def style(self, meaning: str) -> str:
        """The rich style of a meaning, or of several separated by spaces."""
        if not self.colour:
            return " ".join(_STYLES[word][1] for word in meaning.split()).strip()
        return " ".join(self.hues.get(word, _STYLES[word][0]) for word in meaning.split()).strip()

    def sign(self, sign: str, plain: str) -> str:
        """`sign`, or `plain` in ASCII."""
        return plain if self.ascii else sign

    def shade(self, share: float) -> str:
        """A character as dense as `share`, from 0 to 1."""
        shades = _ASCII_SHADES if self.ascii else _SHADES
        return shades[min(len(shades) - 1, max(0, round(share * (len(shades) - 1))))]


def ramp(values: np.ndarray, name: str = "cividis") -> np.ndarray:
    """Shares from 0 to 1 (...) as colours (..., 3) uint8; `grey`, `cividis` or `diverging`."""
    stops = {"cividis": _CIVIDIS, "diverging": _DIVERGING, "grey": _GREY}[name]
    place = np.clip(np.nan_to_num(values), 0, 1) * (len(stops) - 1)
    low = np.minimum(place.astype(int), len(stops) - 2)
    part = (place - low)[..., np.newaxis]
    return np.round(stops[low] * (1 - part) + stops[low + 1] * part).astype(np.uint8)


def hexadecimal(colour: np.ndarray) -> str:
    """`#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*(int(part) for part in colour))
