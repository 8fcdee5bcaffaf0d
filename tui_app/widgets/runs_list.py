"""The table of runs: filtered, sorted, some of them marked."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rich.text import Text
from textual.coordinate import Coordinate
from textual.message import Message
from textual.widgets import DataTable

from tui_app.following.run_table import RunRow
from tui_app.summaries import COLUMNS, cells, matches, ordered


class RunsList(DataTable[Text]):
    """A row for each run that `show` was given and that has what is sought."""

    DEFAULT_CSS = """
    RunsList { height: 1fr; background: $background; }
    """

    @dataclass
    class Filled(Message):
        """Other rows are shown, or the same in another order: so many."""

        shown: int

    def __init__(self, **options: Any) -> None:
        super().__init__(cursor_type="row", zebra_stripes=False, **options)
        self.marked: dict[str, None] = {}
        self._all: list[RunRow] = []
        self._sought = ""
        self._sort = 0

    def on_mount(self) -> None:
        """The columns are always the same."""
        for key, title in COLUMNS:
            self.add_column(title, key=key)

    def show(self, rows: Iterable[RunRow]) -> None:
        """Show these from now on."""
        self._all = list(rows)
        self._fill()

    def seek(self, sought: str) -> None:
        """Show only those that have every word of it."""
        self._sought = sought
        self._fill()

    def sort_by(self, column: int) -> None:
        """Sort by this column."""
        self._sort = column
        self._fill()

    def sort_by_next(self) -> None:
        """Sort by the column after the one it is sorted by."""
        self.sort_by((self._sort + 1) % len(COLUMNS))

    @property
    def order(self) -> str:
        """What it is sorted by."""
        return COLUMNS[self._sort][1].strip()

    @property
    def count(self) -> int:
        """How many runs there are, whether shown or not."""
        return len(self._all)

    @property
    def row(self) -> RunRow | None:
        """The run at the cursor."""
        name = self._name_at_cursor()
        return next((row for row in self._all if row.folder.name == name), None)

    @property
    def marked_rows(self) -> list[RunRow]:
        """The runs that are marked, in the order of their marks."""
        by_name = {row.folder.name: row for row in self._all}
        return [by_name[name] for name in self.marked if name in by_name]

    def mark(self) -> None:
        """Mark the run at the cursor, or not, and go to the next."""
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
        """Names are cut to the width."""
        if self._all:
            self._fill()

    def _fill(self) -> None:
        kept = [row for row in self._all if matches(row, self._sought)]
        shown, before, now = (
            ordered(kept, COLUMNS[self._sort][0]),
            self._name_at_cursor(),
            time.time(),
        )
        columns, marked = self.app.size.width, self.marked
        rows = [cells(row, now, columns, marked=row.folder.name in marked) for row in shown]
        names = [row.folder.name for row in shown]
        if [str(key.value) for key in self.rows] == names:
            self._update(rows)
        else:
            self.clear()
            for name, row in zip(names, rows, strict=True):
                self.add_row(*row, key=name)
            if before in names:
                self.move_cursor(row=names.index(before))
        self.post_message(self.Filled(len(shown)))

    def _update(self, rows: list[list[Text]]) -> None:
        for y, row in enumerate(rows):
            for x, cell in enumerate(row):
                if self.get_cell_at(Coordinate(y, x)) != cell:
                    self.update_cell_at(Coordinate(y, x), cell, update_width=True)

    def _name_at_cursor(self) -> str:
        if not self.row_count:
            return ""
        return str(self.coordinate_to_cell_key(Coordinate(self.cursor_row, 0)).row_key.value)
