"""Shows the source file of a lecture."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from rich.syntax import Syntax
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.markup import escape
from textual.screen import Screen
from textual.widgets import Static

from tui_app.app.widgets.key_bar import KeyBar


class SourceScreen(Screen[None]):
    """The file with line numbers."""

    DEFAULT_CSS = """
    SourceScreen > VerticalScroll {
        border: round $border;
        border-title-color: $text;
        & > Static { width: auto; min-width: 100%; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,o,f4", "app.pop_screen", "Back")]

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def compose(self) -> ComposeResult:
        """The text with syntax colours."""
        theme = "ansi_dark" if self.app.current_theme.ansi else "monokai"
        if not self.app.current_theme.dark:
            theme = "ansi_light" if self.app.current_theme.ansi else "default"
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            source = Text(f"{self._path.name} can't be read: {error.strerror}")
        else:
            source = Syntax(
                text, "python", theme=theme, line_numbers=True, background_color="default"
            )
        with VerticalScroll() as scroll:
            scroll.border_title = escape(self._path.name)
            yield Static(source)
        yield KeyBar()

    def on_mount(self) -> None:
        """Focus the text, so that the arrow keys scroll it."""
        self.query_one(VerticalScroll).focus()
