"""The names of the views in a row; a click on one chooses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import cell_len
from textual.app import RenderResult
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.style import Style
from textual.widget import Widget

if TYPE_CHECKING:
    from tui_app.app.app import TutorchApp

#: Cells for `‹ ` and ` ›`, which stand where names are left out.
_MARK = 2


class ViewNames(Widget):
    """As many names as there is room for, among them the one that is shown."""

    DEFAULT_CSS = """
    ViewNames {
        height: 1;
        color: $text-muted;
        & > .view-names--current { color: $text; text-style: bold reverse; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"view-names--current"}

    app: TutorchApp

    @dataclass
    class Chosen(Message):
        """The view `name` was clicked."""

        name: str

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._titles: list[tuple[str, str]] = []
        self._current = ""
        self._first = 0

    def set_views(self, titles: Sequence[tuple[str, str]]) -> None:
        """Offer these: names and titles."""
        self._titles, self._first = list(titles), 0
        self.refresh()

    def select(self, name: str) -> None:
        """Mark the one that is shown."""
        self._current = name
        self.refresh()

    @property
    def shown(self) -> list[tuple[str, str]]:
        """Those that there is room for."""
        first, last = self._window()
        return self._titles[first:last]

    def render(self) -> RenderResult:
        """Names from the first that fits with the current one, marks where some are left out."""
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
        """Choose the name that was clicked; at a mark the next one that is left out."""
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
        """The first name that is shown, and the one behind the last."""
        names = [name for name, _ in self._titles]
        current = names.index(self._current) if self._current in names else 0
        first = min(self._first, current)
        while first < current and self._behind(first) <= current:
            first += 1
        while first and self._behind(first - 1) == len(names):  # there is room for more
            first -= 1
        return first, self._behind(first)

    def _behind(self, first: int) -> int:
        """How far the names reach that fit from `first` on; one at least."""
        room = self.size.width - (_MARK if first else 0)
        widths = [self._width(place) for place in range(first, len(self._titles))]
        if sum(widths) <= room:
            return len(self._titles)
        place, room = first, room - _MARK
        while place < len(self._titles) and (room := room - widths[place - first]) >= 0:
            place += 1
        return min(max(place, first + 1), len(self._titles))
