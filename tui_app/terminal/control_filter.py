"""Nothing that a terminal would act upon leaves the app as text: the last gate before it."""

from __future__ import annotations

import re

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

#: Control characters of one byte and of two, half characters, and what turns writing around.
_CODES = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class ControlFilter(LineFilter):
    """Textual calls it with every line that it draws.

    Whoever shows what stands in a file escapes it, so that it can be read; what was forgotten is
    taken out here. None of these takes a cell, so that the line stays as long as it was.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments, their text without control codes."""
        if not any(_CODES.search(segment.text) for segment in segments):
            return segments
        return [Segment(_CODES.sub("", text), style, control) for text, style, control in segments]
