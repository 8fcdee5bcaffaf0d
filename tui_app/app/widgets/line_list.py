"""A list of any length with a cursor: only its visible lines are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui_app.text.cells import cut

T = TypeVar("T")


class LineList(ScrollView, Generic[T]):
    """Items, one a line; a subclass draws an item.

    Textual's OptionList measures every option when it is added: half a minute for 100 000.
    """

    DEFAULT_CSS = """
    LineList {
        height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1;
        & > .line-list--cursor { background: $block-cursor-background;
            color: $block-cursor-foreground; text-style: $block-cursor-text-style; }
        & > .line-list--cursor-blurred { background: $block-cursor-blurred-background;
            color: $block-cursor-blurred-foreground; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "Next", show=False),
        Binding("up", "move(-1)", "Previous", show=False),
        Binding("pagedown", "page(1)", "Next page", show=False),
        Binding("pageup", "page(-1)", "Previous page", show=False),
        Binding("home", "end_of_list(-1)", "First", show=False),
        Binding("end", "end_of_list(1)", "Last", show=False),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {"line-list--cursor", "line-list--cursor-blurred"}

    @dataclass
    class Moved(Message):
        """The cursor moved to another item."""

        lines: LineList[Any]

    @dataclass
    class Clicked(Message):
        """The item at the cursor was clicked, `column` cells from the left."""

        lines: LineList[Any]
        column: int
        is_double: bool

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.items: Sequence[T] = ()
        self.cursor = 0

    def draw_item(self, item: T) -> Text:
        """Draw an item; the line is cut to the width."""
        raise NotImplementedError

    def show(self, items: Sequence[T], cursor: int = 0) -> None:
        """Show these items, with the cursor at the index `cursor`."""
        self.items = items
        self.virtual_size = Size(self.size.width, len(items))
        self.go_to(cursor)

    @property
    def item(self) -> T | None:
        """The item at the cursor."""
        return self.items[self.cursor] if self.items else None

    def action_move(self, by: int) -> None:
        """Move the cursor by this many lines."""
        self.go_to(self.cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by this many pages."""
        self.go_to(self.cursor + by * max(1, self.scrollable_content_region.height))

    def action_end_of_list(self, by: int) -> None:
        """Move the cursor to the last item, or to the first."""
        self.go_to(len(self.items) if by > 0 else 0)

    def go_to(self, line: int) -> None:
        """Move the cursor to the item nearest to `line`, and scroll to it."""
        self.cursor = max(0, min(line, len(self.items) - 1))
        self._scroll_to_cursor()
        self.refresh()
        self.post_message(self.Moved(self))

    def _scroll_to_cursor(self) -> None:
        region = Region(0, self.cursor, max(1, self.size.width), 1)
        self.scroll_to_region(region, animate=False, force=True, immediate=True)

    def on_resize(self) -> None:
        """Keep the cursor visible."""
        self.virtual_size = Size(self.size.width, len(self.items))
        self._scroll_to_cursor()

    def on_click(self, event: Click) -> None:
        """Move the cursor to the clicked line."""
        line = round(event.y + self.scroll_offset.y)
        if line < len(self.items):
            self.go_to(line)
            self.post_message(self.Clicked(self, event.x, event.chain > 1))

    def render_line(self, y: int) -> Strip:
        """Draw a visible line."""
        width, index = self.scrollable_content_region.width, y + self.scroll_offset.y
        if index >= len(self.items):
            return Strip.blank(width, self.rich_style)
        text = cut(self.draw_item(self.items[index]), width)
        style = self.rich_style
        if index == self.cursor:
            is_used = self.has_focus or self.has_class("-used")
            name = "line-list--cursor" if is_used else "line-list--cursor-blurred"
            text.stylize(style := self.get_component_rich_style(name))
        segments = [
            Segment(part.text, style + part.style if part.style else style)
            for part in text.render(self.app.console)
        ]
        return Strip(segments).adjust_cell_length(width, style)
