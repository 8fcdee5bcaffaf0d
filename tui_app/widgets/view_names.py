"""The names of the views in a row; a click on one chooses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.containers import HorizontalScroll
from textual.message import Message
from textual.widgets import Static


class ViewNames(HorizontalScroll, can_focus=False):
    """As many names as there is room for, among them the one that is shown."""

    DEFAULT_CSS = """
    ViewNames {
        height: 1;
        scrollbar-size-horizontal: 0;
        & > Static { width: auto; padding: 0 1; color: $text-muted; }
        & > Static:hover { background: $boost; color: $text; }
        & > Static.-current { color: $text; text-style: bold reverse; }
    }
    """

    @dataclass
    class Chosen(Message):
        """The view `name` was clicked."""

        name: str

    async def offer(self, titles: Sequence[tuple[str, str]]) -> None:
        """Offer these: names and titles."""
        await self.remove_children()
        if self.is_attached:  # else the app was left meanwhile
            await self.mount(*(_Name(name, title) for name, title in titles))

    def select(self, name: str) -> None:
        """Mark the one that is shown."""
        for child in self.query(_Name):
            child.set_class(child.view_name == name, "-current")
            if child.view_name == name:
                self.call_after_refresh(child.scroll_visible, animate=False)


class _Name(Static):
    def __init__(self, name: str, title: str) -> None:
        super().__init__(title, markup=False)
        self.view_name = name

    def on_click(self) -> None:
        self.post_message(ViewNames.Chosen(self.view_name))
