"""Replaces every character that isn't ASCII on its way to the terminal, for `--ascii`."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from tui_app.text.ascii_signs import in_ascii


class AsciiFilter(LineFilter):
    """A filter that Textual applies to every line it draws."""

    def __init__(self, *, keep_wide: bool) -> None:
        super().__init__()
        self._keep_wide = keep_wide

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments with their text in ASCII."""
        return [
            Segment(in_ascii(text, self._keep_wide), style, control)
            for text, style, control in segments
        ]
