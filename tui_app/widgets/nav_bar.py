"""The line at the top: the panes by number, and which one is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from tui_app.messages import PaneChosen
from tui_app.widgets.line import Line


class NavBar(Horizontal):
    """`tutorch  1 Lectures  2 Lesson ...`; a click on a name chooses its pane."""

    DEFAULT_CSS = """
    NavBar {
        height: 1;
        background: $panel;
        & > .brand { width: auto; padding: 0 2 0 1; text-style: bold; color: $text-primary; }
        & > .tab { width: auto; padding: 0 1; color: $text-muted; }
        & > .tab:hover { background: $boost; color: $text; }
        & > .tab.-current { background: $primary; color: $text; text-style: bold; }
        & > .state { text-align: right; padding: 0 1; color: $text-muted; }
    }
    """

    def __init__(self, panes: Sequence[tuple[str, str]], **options: Any) -> None:
        super().__init__(**options)
        self._panes = panes

    def compose(self) -> ComposeResult:
        """The program's name, the panes, and room for a word on the right."""
        yield Static("tutorch", classes="brand")
        for number, (pane, title) in enumerate(self._panes, 1):
            yield _Tab(f"{number} {title}", pane)
        yield Line(classes="state")

    def select(self, pane: str) -> None:
        """Mark the pane that is looked at."""
        for tab in self.query(_Tab):
            tab.set_class(tab.pane == pane, "-current")

    def tell(self, text: Text | str) -> None:
        """Show a word on the right."""
        self.query_one(".state", Line).tell(text)


class _Tab(Static):
    def __init__(self, title: str, pane: str) -> None:
        super().__init__(title, classes="tab", markup=False)
        self.pane = pane

    def on_click(self) -> None:
        self.post_message(PaneChosen(self.pane))
