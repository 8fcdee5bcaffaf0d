"""An input of one line that marks a cut text with …"""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.text import Text
from textual.strip import Strip
from textual.widgets import Input

from tui_app.text.cells import cut


class TextField(Input):
    """Without the focus, shows the beginning of a text that doesn't fit, and …"""

    def __init__(self, text: str) -> None:
        super().__init__(text, compact=True, select_on_focus=True)

    @property
    def fits(self) -> bool:
        """Whether the whole text is visible."""
        return cell_len(self.value) <= self._text_width

    @property
    def _text_width(self) -> int:
        return self.scrollable_content_region.width

    def render_line(self, y: int) -> Strip:
        """Draw the line; Textual would cut it without a mark."""
        if y or self.has_focus or self.fits or not self._text_width:
            return super().render_line(y)
        line = Strip([Segment(cut(Text(self.value), self._text_width).plain)])
        return line.extend_cell_length(self._text_width).apply_style(self.rich_style)
