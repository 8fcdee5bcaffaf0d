"""A line of text that is told again and again, and painted only when it says something else."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual.widgets import Static


class TextLine(Static):
    """One line, or as many as its style gives it: what it says never moves what is around it."""

    DEFAULT_CSS = """
    TextLine { width: 1fr; height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, **options)

    def show(self, text: Text | str) -> None:
        """Say this from now on."""
        if text != self.content:
            self.update(text, layout=False)
