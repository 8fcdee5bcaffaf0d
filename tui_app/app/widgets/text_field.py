"""An input of one line that shows where its text is cut."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.text import Text
from textual.strip import Strip
from textual.widgets import Input

from tui_app.text.cells import cut


class TextField(Input):
    """Shows the beginning of a text that doesn't fit, and …, while it hasn't the focus."""

    def __init__(self, text: str) -> None:
        super().__init__(text, compact=True, select_on_focus=True)

    @property
    def fits(self) -> bool:
        """Whether all of the text can be seen at once."""
        return cell_len(self.value) <= self._room

    @property
    def _room(self) -> int:
        return self.scrollable_content_region.width

    def render_line(self, y: int) -> Strip:
        """Textual's own line scrolls with the cursor and cuts without a sign."""
        if y or self.has_focus or self.fits or not self._room:
            return super().render_line(y)
        line = Strip([Segment(cut(Text(self.value), self._room).plain)])
        return line.extend_cell_length(self._room).apply_style(self.rich_style)
