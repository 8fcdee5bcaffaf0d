"""Shows in the top line the panes by number, and which one has the focus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from tui_app.app.messages import PaneChosen
from tui_app.text.cells import cut_together

_BRAND = "tutorch"

#: The padding of the program's name, and of a tab's title, in cells.
_AROUND_BRAND, _AROUND_TAB = 3, 2


class NavBar(Horizontal):
    """`tutorch  1 Lectures  2 Lesson ...`; a click on a title chooses its pane."""

    DEFAULT_CSS = """
    NavBar {
        height: 1;
        background: $panel;
        & > .brand { width: auto; padding: 0 2 0 1; text-style: bold; color: $text-primary; }
        & > .tab { width: auto; padding: 0 1; color: $text-muted; }
        & > .tab:hover { background: $boost; color: $text; }
        & > .tab.-current { background: $primary; color: $text; text-style: bold; }
    }
    """

    def __init__(self, panes: Sequence[tuple[str, str]], **options: Any) -> None:
        super().__init__(**options)
        self._panes = panes

    def compose(self) -> ComposeResult:
        """Create the program's name and the tabs."""
        yield Static(_BRAND, classes="brand")
        for number, (pane, title) in enumerate(self._panes, 1):
            yield _Tab(f"{number} {title}", pane)

    def select(self, pane: str) -> None:
        """Mark the pane that has the focus."""
        for tab in self.query(_Tab):
            tab.set_class(tab.pane == pane, "-current")
        self._fit()

    def dim(self, on: bool) -> None:
        """Dim the numbers while digits are typed into a field, and aren't keys."""
        for tab in self.query(_Tab):
            tab.dim(on)

    def on_resize(self) -> None:
        """Shorten the titles to the new width."""
        self._fit()

    def _fit(self) -> None:
        """Shorten the titles to fit, the current pane's last; drop the program's name first."""
        tabs = list(self.query(_Tab))
        room = self.size.width - _AROUND_TAB * len(tabs)
        with_brand = room - len(_BRAND) - _AROUND_BRAND
        has_brand = sum(cell_len(tab.title) for tab in tabs) <= with_brand
        self.query_one(".brand").display = has_brand
        current = next((i for i, tab in enumerate(tabs) if tab.has_class("-current")), -1)
        titles = cut_together(
            [tab.title for tab in tabs], with_brand if has_brand else room, current
        )
        for tab, title in zip(tabs, titles, strict=True):
            tab.show(title)


class _Tab(Static):
    def __init__(self, title: str, pane: str) -> None:
        super().__init__(title, classes="tab", markup=False)
        self.title = title
        self.pane = pane
        self._shown = title
        self._is_dim = False

    def show(self, title: str) -> None:
        """Show the title, perhaps shortened; then a tooltip has all of it."""
        if title != self._shown:
            self._shown = title
            self.tooltip = self.title if title != self.title else None
            self._write()

    def dim(self, on: bool) -> None:
        """Dim the number before the title."""
        if on != self._is_dim:
            self._is_dim = on
            self._write()

    def _write(self) -> None:
        text = Text(self._shown)
        if self._is_dim:
            text.stylize("dim", 0, self._shown.find(" "))
        self.update(text)

    def on_click(self) -> None:
        self.post_message(PaneChosen(self.pane))
