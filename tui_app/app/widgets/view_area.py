"""Shows the lines that a view draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.events import Click
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui_app.app.app_interface import AppInterface
from tui_app.drawing.pen import Pen

#: The colours of the theme for what a pen draws.
_HUES = {"model": "series-1", "data": "series-2", "mark": "series-4", "bad": "series-5"}


class ViewArea(Widget, can_focus=True):
    """Shows the lines given to `show`, each in a row of the widget."""

    DEFAULT_CSS = """
    ViewArea { width: 1fr; height: 1fr; }
    """

    app: AppInterface

    @dataclass
    class Clicked(Message):
        """The area was clicked, this many cells from its upper left corner."""

        column: int
        row: int

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._strips: list[Strip] = []

    @property
    def pen(self) -> Pen:
        """The pen for this terminal and theme."""
        if self.app.no_color:
            return Pen(colour=False, ascii=self.app.in_ascii)
        colours = self.app.theme_variables
        hues = {
            meaning: colours[name].removeprefix("ansi_")
            for meaning, name in _HUES.items()
            if name in colours
        }
        return Pen(ascii=self.app.in_ascii, hues=hues)

    def show(self, lines: Sequence[Text]) -> None:
        """Show these lines."""
        console = self.app.console
        self._strips = [
            Strip(
                Segment(part.text, part.style or Style())
                for part in line.render(console)
                if part.text
            )
            for line in lines
        ]
        self.refresh()

    def on_click(self, event: Click) -> None:
        """Post where the area was clicked."""
        self.post_message(self.Clicked(event.x, event.y))

    def render_line(self, y: int) -> Strip:
        """Draw a row."""
        style, width = self.rich_style, self.size.width
        if y < len(self._strips):
            return self._strips[y].apply_style(style).adjust_cell_length(width, style)
        return Strip.blank(width, style)
