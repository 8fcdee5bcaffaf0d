"""Text in a few lines; what doesn't fit ends in an ellipsis."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text
from textual.geometry import Size
from textual.widget import Widget

from tui_app.text.cells import cut

_CONSOLE = Console(width=80, legacy_windows=False)


class ClippedText(Widget):
    """Wraps its text to its width, and shows as many lines of it as it was last allowed."""

    DEFAULT_CSS = """
    ClippedText { width: 1fr; height: auto; }
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._most = 1
        self._text = Text()

    @property
    def text(self) -> str:
        """All of the text, whether it fits or not."""
        return self._text.plain

    def show(self, text: str, lines: int) -> None:
        """Show this text from now on, in at most so many lines."""
        if (text, lines) != (self._text.plain, self._most):
            self._text, self._most = Text(text), lines
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """The lines that the text takes, or as many as there may be."""
        return len(clipped(self._text, width, self._most))

    def render(self) -> Text:
        """The lines that fit."""
        lines = clipped(self._text, self.size.width, min(self._most, max(1, self.size.height)))
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
