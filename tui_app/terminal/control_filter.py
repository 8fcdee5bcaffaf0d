"""Removes control codes from all text that the app draws, as the last guard of the terminal."""

from __future__ import annotations

import re

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

#: C0 and C1 control characters, surrogates, and marks that change the direction of text.
_CODES = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class ControlFilter(LineFilter):
    """A filter that Textual applies to every line it draws.

    Code that shows untrusted text escapes it; this removes what was forgotten. None of these
    characters takes a cell, so the width of the line stays the same.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments without control codes."""
        if not any(_CODES.search(segment.text) for segment in segments):
            return segments
        return [Segment(_CODES.sub("", text), style, control) for text, style, control in segments]
