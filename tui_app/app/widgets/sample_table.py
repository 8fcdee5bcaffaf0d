"""Shows the first rows of a table, with long cells cut."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual.widgets import DataTable

from datasets.reading.tables import Table
from tui_app.text.cells import cut
from tui_app.text.escaping import printable

#: The rows and columns shown at most, and the width of a column at most.
_ROWS, _COLUMNS, _WIDTH = 50, 60, 18


class SampleTable(DataTable[Text]):
    """Names and cells come from the user's file, and are shown escaped."""

    DEFAULT_CSS = """
    SampleTable { background: $surface; scrollbar-size: 1 1; }
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(cursor_type="none", zebra_stripes=False, **options)

    def show(self, table: Table) -> None:
        """Show its first rows and columns."""
        self.clear(columns=True)
        for name in table.columns[:_COLUMNS]:
            self.add_column(_cell(name))
        for row in table.rows[:_ROWS]:
            self.add_row(*map(_cell, row[:_COLUMNS]))


def _cell(text: str) -> Text:
    return cut(Text(printable(text[:200])), _WIDTH)
