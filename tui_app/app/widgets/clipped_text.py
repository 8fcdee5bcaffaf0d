"""Shows text in a few lines; what doesn't fit ends in …"""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text
from textual.geometry import Size
from textual.widget import Widget

from tui_app.text.cells import cut

_CONSOLE = Console(width=80, legacy_windows=False)


class ClippedText(Widget):
    """Wraps its text to its width, in at most as many lines as `show` allows."""

    DEFAULT_CSS = """
    ClippedText { width: 1fr; height: auto; }
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._max_lines = 1
        self._text = Text()

    @property
    def text(self) -> str:
        """The whole text, whether it fits or not."""
        return self._text.plain

    def show(self, text: str, lines: int) -> None:
        """Show this text in at most so many lines."""
        if (text, lines) != (self._text.plain, self._max_lines):
            self._text, self._max_lines = Text(text), lines
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """The number of lines that are shown."""
        return len(clipped(self._text, width, self._max_lines))

    def render(self) -> Text:
        """Draw the lines that fit."""
        lines = clipped(self._text, self.size.width, min(self._max_lines, max(1, self.size.height)))
        return Text("\n", no_wrap=True).join(lines)


def clipped(text: Text, width: int, lines: int) -> list[Text]:
    """The first `lines` lines of `text` at that width, the last with an ellipsis if more follow."""
    if not text.plain or width < 1:
        return []
    wrapped = list(text.wrap(_CONSOLE, width))
    for line in wrapped:
        line.rstrip()
    kept = wrapped[:lines]
    if len(wrapped) > lines:
        kept[-1] = cut(kept[-1], width - 1)
        kept[-1] = cut(kept[-1].append(" …"), width)
    return kept
