"""A pad to draw on with the mouse or the keys: 28x28 pixels, two to a cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui_app.app.app_interface import AppInterface

SIDE = 28

#: The radius of the pen in pixels, and the width of a pixel at most, in cells.
_RADIUS, _LARGEST = 1.4, 2

_SHADES = " .:*#"


class DrawingPad(Widget, can_focus=True):
    """Posts the drawing after each stroke. With the keys, the pen is lowered and lifted."""

    DEFAULT_CSS = """
    DrawingPad {
        width: auto;
        height: auto;
        border: round $foreground 25%;
        &:focus { border: round $border; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1, 0)", "Move", show=False),
        Binding("right", "move(1, 0)", "Move", show=False),
        Binding("up", "move(0, -1)", "Move", show=False),
        Binding("down", "move(0, 1)", "Move", show=False),
        Binding("space", "pen", "Pen down, up"),
        Binding("delete,backspace,c", "clear", "Clear", key_display="c"),
    ]

    app: AppInterface

    @dataclass
    class Drawn(Message):
        """The drawing changed: two hexadecimal digits a pixel, or none if it is empty."""

        text: str

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.ink = np.zeros((SIDE, SIDE), np.uint8)
        self._at = (SIDE // 2, SIDE // 2)
        self._from: tuple[float, float] | None = None
        self._is_down = False
        self._scale = 1

    def fit(self, columns: int, rows: int) -> None:
        """Use as much of this room as possible."""
        room = min(columns // SIDE, 2 * rows // SIDE)
        scale = min(_LARGEST, max(1, room))
        if scale != self._scale:
            self._scale = scale
            self.refresh(layout=True)

    def get_content_width(self, container: Any, viewport: Any) -> int:
        """The width of a row in cells."""
        return SIDE * self._scale

    def get_content_height(self, container: Any, viewport: Any, width: int) -> int:
        """The height in cells."""
        return SIDE * self._scale // 2

    def wipe(self) -> None:
        """Clear the drawing without posting it."""
        self.ink[:] = 0
        self._is_down, self.border_subtitle = False, ""
        self.refresh()

    # Drawing

    def action_move(self, x: int, y: int) -> None:
        """Move the pen by a pixel, and draw while it is down."""
        before = self._at
        self._at = min(SIDE - 1, max(0, before[0] + x)), min(SIDE - 1, max(0, before[1] + y))
        if self._is_down:
            self._stroke(before, self._at)
        self.refresh()

    def action_pen(self) -> None:
        """Lower the pen, or lift it."""
        self._is_down = not self._is_down
        if self._is_down:
            self._stroke(self._at, self._at)
        self.border_subtitle = "pen down" if self._is_down else ""

    def action_clear(self) -> None:
        """Clear the drawing."""
        self.wipe()
        self._post()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Start a stroke."""
        place = self._place(event)
        if place is not None:
            self.capture_mouse()
            self._from = place
            self._stroke(place, place)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Continue the stroke."""
        place = self._place(event)
        if self._from is not None and place is not None:
            self._stroke(self._from, place)
            self._from = place

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """End the stroke."""
        self._from = None
        self.release_mouse()

    def _place(self, event: events.MouseEvent) -> tuple[float, float] | None:
        """The pixel under the mouse, which points at the middle of a cell."""
        x = (event.x - self.gutter.left + 0.5) / self._scale - 0.5
        y = (event.y - self.gutter.top + 0.5) * 2 / self._scale - 0.5
        return (x, y) if -1 < x < SIDE and -1 < y < SIDE else None

    def _stroke(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        rows, columns = np.mgrid[:SIDE, :SIDE]
        count = int(max(abs(end[0] - start[0]), abs(end[1] - start[1])) * 2) + 1
        for part in np.linspace(0, 1, count + 1):
            x, y = (a + part * (b - a) for a, b in zip(start, end, strict=True))
            away = np.hypot(columns - x, rows - y)
            ink = 255 * np.clip(1.2 * (_RADIUS - away) / _RADIUS + 0.2, 0, 1) * (away < _RADIUS)
            self.ink = np.maximum(self.ink, ink.astype(np.uint8))
        self._post()

    def _post(self) -> None:
        self.refresh()
        self.post_message(self.Drawn(self.ink.tobytes().hex() if self.ink.any() else ""))

    # Rendering

    def render_line(self, y: int) -> Strip:
        """Draw a row of cells, each with two pixels one above the other."""
        upper, lower = (2 * y) // self._scale, (2 * y + 1) // self._scale
        if lower >= SIDE:
            return Strip.blank(self.size.width)
        return Strip(self._cell(x, upper, lower) for x in range(SIDE) for _ in range(self._scale))

    def _cell(self, x: int, upper: int, lower: int) -> Segment:
        above, below = int(self.ink[upper, x]), int(self.ink[lower, x])
        is_here = self.has_focus and self._at[0] == x and self._at[1] in (upper, lower)
        if self.app.in_ascii or self.app.no_color:
            sign = _SHADES[max(above, below) * (len(_SHADES) - 1) // 255]
            return Segment(sign, Style(reverse=is_here))
        if is_here:
            mark = "#e69f00"
            colours = [
                mark if self._at[1] == row else _grey(ink)
                for row, ink in ((upper, above), (lower, below))
            ]
            return Segment("▀", Style.parse(f"{colours[0]} on {colours[1]}"))
        return Segment("▀", Style.parse(f"{_grey(above)} on {_grey(below)}"))


def _grey(ink: int) -> str:
    return f"#{ink:02x}{ink:02x}{ink:02x}"
