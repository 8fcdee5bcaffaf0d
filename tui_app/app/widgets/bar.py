"""Draws a progress bar."""

from __future__ import annotations

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget


class Bar(Widget):
    """Fills its width by `share`, from 0 to 1; readable without colours."""

    DEFAULT_CSS = """
    Bar { width: 1fr; height: 1; color: $primary; }
    """

    share: reactive[float] = reactive(0.0)

    def render(self) -> Text:
        """Draw the part that is done, and the rest."""
        width = self.size.width
        done = int(width * min(max(self.share, 0.0), 1.0))
        text = Text("━" * done, no_wrap=True)
        return text.append("─" * (width - done), "dim")
