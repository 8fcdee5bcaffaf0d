"""Shows the titles of the views in a row; a click on one chooses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.cells import cell_len
from textual.app import RenderResult
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.style import Style
from textual.widget import Widget

from tui_app.app.app_interface import AppInterface

#: The width of `‹ ` and ` ›`, which stand for titles without room.
_MARK = 2


class ViewNames(Widget):
    """As many titles as fit, the current view's among them."""

    DEFAULT_CSS = """
    ViewNames {
        height: 1;
        color: $text-muted;
        & > .view-names--current { color: $text; text-style: bold reverse; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"view-names--current"}

    app: AppInterface

    @dataclass
    class Chosen(Message):
        """The title of the view `name` was clicked."""

        name: str

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._titles: list[tuple[str, str]] = []
        self._current = ""
        self._first = 0

    def set_views(self, titles: Sequence[tuple[str, str]]) -> None:
        """Show these views: name and title of each."""
        self._titles, self._first = list(titles), 0
        self.refresh()

    def select(self, name: str) -> None:
        """Mark the current view."""
        self._current = name
        self.refresh()

    @property
    def shown(self) -> list[tuple[str, str]]:
        """The views whose titles fit."""
        first, last = self._window()
        return self._titles[first:last]

    def render(self) -> RenderResult:
        """Draw the titles that fit around the current one, with marks if there are more."""
        self._first, last = self._window()
        left, right = ("<", ">") if self.app.in_ascii else ("‹", "›")
        current = self.get_visual_style("view-names--current")
        parts: list[tuple[str, Style]] = []
        if self._first:
            parts.append((f"{left} ", Style()))
        for name, title in self._titles[self._first : last]:
            parts.append((f" {title} ", current if name == self._current else Style()))
        if last < len(self._titles):
            parts.append((f" {right}", Style()))
        return Content.assemble(*parts)

    def on_click(self, event: Click) -> None:
        """Choose the clicked view; a mark stands for the next view without room."""
        first, last = self._window()
        x = _MARK if first else 0
        if event.x < x:
            self._choose(first - 1)
            return
        for place in range(first, last):
            x += self._width(place)
            if event.x < x:
                self._choose(place)
                return
        if last < len(self._titles) and event.x < x + _MARK:
            self._choose(last)

    def _choose(self, place: int) -> None:
        self.post_message(self.Chosen(self._titles[place][0]))

    def _width(self, place: int) -> int:
        return cell_len(self._titles[place][1]) + 2

    def _window(self) -> tuple[int, int]:
        """The indices of the first visible title and of the one after the last."""
        names = [name for name, _ in self._titles]
        current = names.index(self._current) if self._current in names else 0
        first = min(self._first, current)
        while first < current and self._end(first) <= current:
            first += 1
        while first and self._end(first - 1) == len(names):  # more fit
            first -= 1
        return first, self._end(first)

    def _end(self, first: int) -> int:
        """The index after the last title that fits from `first` on; at least one fits."""
        room = self.size.width - (_MARK if first else 0)
        widths = [self._width(place) for place in range(first, len(self._titles))]
        if sum(widths) <= room:
            return len(self._titles)
        place, room = first, room - _MARK
        while place < len(self._titles) and (room := room - widths[place - first]) >= 0:
            place += 1
        return min(max(place, first + 1), len(self._titles))
