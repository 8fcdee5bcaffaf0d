"""Lists the columns of a table: the use of each, with examples or why it is left out."""

from __future__ import annotations

from rich.text import Text

from datasets.own.columns import ColumnReport
from tui_app.app.own_data.column_selection import ColumnSelection
from tui_app.app.widgets.line_list import LineList
from tui_app.text.cells import cut
from tui_app.text.escaping import printable

#: The widths of a column's name and of its use.
_NAME, _ROLE = 22, 9

HEADER = f"  {'column':{_NAME}} {'used as':{_ROLE}} examples, or why it is left out"

_MARKS = {"target": "→", "left out": " "}
_STYLES = {"target": "bold", "left out": "dim"}


class ColumnList(LineList[ColumnReport], can_focus=True):
    """Names and cells come from the user's file, and are shown escaped."""

    selection: ColumnSelection | None = None

    def draw_item(self, item: ColumnReport) -> Text:
        """Draw the line of a column."""
        assert self.selection is not None
        role = self.selection.role(item.name)
        name = _padded(printable(item.name), _NAME)
        text = Text(f"{_MARKS.get(role, '✓')} ", _STYLES.get(role, ""))
        text.append(f"{name} {role:{_ROLE}} ")
        reason = self.selection.reason(item.name)
        return text.append(printable(reason or ", ".join(item.examples)))


def _padded(text: str, width: int) -> str:
    line = cut(Text(text), width)
    line.pad_right(width - line.cell_len)
    return line.plain
