"""Shows a line of text that is set often, and painted only when it changes."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual.widgets import Static


class TextLine(Static):
    """One line, or as many as its style sets: no text moves the widgets around it."""

    DEFAULT_CSS = """
    TextLine { width: 1fr; height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, **options)

    def show(self, text: Text | str) -> None:
        """Show this text."""
        if text != self.content:
            self.update(text, layout=False)
