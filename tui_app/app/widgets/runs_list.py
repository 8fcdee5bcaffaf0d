"""Shows the table of runs, which can be filtered, sorted and marked."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual.message import Message
from textual.widgets import DataTable

from tui_app.app.app_interface import AppInterface
from tui_app.app.run_summaries import COLUMNS, cells, matches, ordered, title_of, widths
from tui_app.runs.run_table import RunRow


class RunsList(DataTable[Text]):
    """A row for each run given to `show` that passes the filter."""

    DEFAULT_CSS = """
    RunsList {
        height: 1fr; background: $background; overflow-x: hidden; scrollbar-size-vertical: 1;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("home", "scroll_top", "First", show=False),
        Binding("end", "scroll_bottom", "Last", show=False),
    ]

    app: AppInterface

    @dataclass
    class Filled(Message):
        """The rows changed, or their order; `shown` is their number."""

        shown: int

    def __init__(self, **options: Any) -> None:
        super().__init__(cursor_type="row", zebra_stripes=False, **options)
        self.marked: dict[str, None] = {}
        self.cursor_target = ""  # the run to move the cursor to once it is listed
        self._all: list[RunRow] = []
        self._is_read = False
        self._filter = ""
        keys = [key for key, _ in COLUMNS]
        sort = self.app.preferences.values.sort
        self._sort = keys.index(sort) if sort in keys else 0
        self._widths: dict[str, int] = {}

    def show(self, rows: Iterable[RunRow]) -> None:
        """Show these runs."""
        self._all, self._is_read = list(rows), True
        self._fill()

    def filter_by(self, words: str) -> None:
        """Show only the runs that contain every word."""
        self._filter = words
        self._fill()

    def sort_by(self, column: int) -> None:
        """Sort by this column, counted among all columns."""
        self._sort = column
        self.app.remember(sort=COLUMNS[column][0])
        self._fill()

    def sort_by_visible(self, column: int) -> None:
        """Sort by this column, counted among the visible columns."""
        keys = [key for key, _ in COLUMNS]
        self.sort_by(keys.index(list(self._widths)[column]))

    def sort_by_next(self) -> None:
        """Sort by the next column."""
        self.sort_by((self._sort + 1) % len(COLUMNS))

    @property
    def order(self) -> str:
        """The title of the column that the runs are sorted by."""
        return COLUMNS[self._sort][1].strip()

    @property
    def count(self) -> int:
        """The number of runs, with those that the filter hides."""
        return len(self._all)

    @property
    def row(self) -> RunRow | None:
        """The run at the cursor."""
        name = self._name_at_cursor()
        return next((row for row in self._all if row.folder.name == name), None)

    @property
    def marked_rows(self) -> list[RunRow]:
        """The marked runs, in the order in which they were marked."""
        by_name = {row.folder.name: row for row in self._all}
        return [by_name[name] for name in self.marked if name in by_name]

    def mark(self) -> None:
        """Mark or unmark the run at the cursor, and go to the next."""
        name = self._name_at_cursor()
        if not name:
            return
        if name in self.marked:
            del self.marked[name]
        else:
            self.marked[name] = None
        self._fill()
        self.action_cursor_down()

    def on_resize(self) -> None:
        """Choose the columns that fit the new size."""
        self._fill()

    def _fill(self) -> None:
        kept = [row for row in self._all if matches(row, self._filter)]
        shown = ordered(kept, COLUMNS[self._sort][0])
        names = [row.folder.name for row in shown]
        before, line = self._name_at_cursor(), self.cursor_row - round(self.scroll_y)
        place = names.index(before) if before in names else self.cursor_row
        if self.cursor_target in names:
            place, self.cursor_target = names.index(self.cursor_target), ""
        chosen, now = widths(self.size.width - self.scrollbar_size_vertical), time.time()
        rows = [cells(row, now, chosen, marked=row.folder.name in self.marked) for row in shown]
        if chosen == self._widths and names == [str(key.value) for key in self.rows]:
            self._update(rows)
        else:
            self._write(chosen, names, rows)
            if names:
                self._put_cursor(min(place, len(names) - 1), line)
        if self._is_read:
            self.post_message(self.Filled(len(shown)))

    def _write(self, chosen: dict[str, int], names: list[str], rows: list[list[Text]]) -> None:
        self.clear(columns=chosen != self._widths)
        if chosen != self._widths:
            self._widths = chosen
            for key, width in chosen.items():
                self.add_column(title_of(key, width), key=key, width=width)
        for name, row in zip(names, rows, strict=True):
            self.add_row(*row, key=name)

    def _put_cursor(self, row: int, line: int) -> None:
        """Move the cursor to a row, and keep its distance from the top of the table."""
        self.move_cursor(row=row, scroll=False)
        self.call_after_refresh(self._show_cursor, row - line)

    def _show_cursor(self, top: int) -> None:
        self.scroll_to(y=max(0, top), animate=False, immediate=True)
        self.move_cursor(row=self.cursor_row, scroll=True)

    def _update(self, rows: list[list[Text]]) -> None:
        for y, row in enumerate(rows):
            for x, cell in enumerate(row):
                if self.get_cell_at(Coordinate(y, x)) != cell:
                    self.update_cell_at(Coordinate(y, x), cell)

    def _name_at_cursor(self) -> str:
        if not self.row_count:
            return ""
        return str(self.coordinate_to_cell_key(Coordinate(self.cursor_row, 0)).row_key.value)
