"""The screen of all runs: reads, filters and sorts the table, and opens a run."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Input

from tui_app.app.messages import RowsRead
from tui_app.app.run_summaries import about
from tui_app.app.screens.runs_screen.run_actions import RunActionsScreen
from tui_app.app.screens.runs_screen.trash_actions import TrashActionsScreen
from tui_app.app.widgets.key_bar import KeyBar
from tui_app.app.widgets.runs_list import RunsList
from tui_app.app.widgets.text_line import TextLine
from tui_app.runs.run_table import RunTable
from tui_app.text.cells import cut
from tui_app.text.escaping import printable
from tui_app.text.quantities import counted

#: Seconds between two readings of the run folders.
_INTERVAL = 3.0


class RunsScreen(TrashActionsScreen, RunActionsScreen):
    """A table of the run folders, and details of the run at the cursor.

    The app keeps it: it is as it was left when it is shown again.
    """

    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]  # noqa: RUF012

    DEFAULT_CSS = """
    RunsScreen {
        & > #title { padding: 0 1; background: $panel; color: $text-muted; }
        & > Input { display: none; background: $boost; padding: 0 1; }
        &.-filtering > Input { display: block; }
        & > #about {
            height: 5; padding: 0 1; color: $text-muted; border-top: solid $foreground 25%;
        }
        &.-short > #about { height: 3; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,r", "back", "Back"),
        Binding("space", "mark", "Mark"),
        Binding("d,delete", "discard", "Trash"),
        Binding("u,ctrl+z", "undo", "Undo"),
        Binding("c", "compare", "Compare"),
        Binding("t", "note", "Note"),
        Binding("e", "extend", "Extend"),
        Binding("g", "resume", "Resume"),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("s", "sort", "Sort"),
        Binding("n", "again", "New like it"),
        Binding("y,f10", "studies", "Studies"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._table = RunTable(self.app.runs_dir)

    def compose(self) -> ComposeResult:
        """A filter, the table, and details of the run at the cursor."""
        yield TextLine(id="title")
        yield Input(placeholder="lecture, data, state, setting=value or note", compact=True)
        yield RunsList()
        yield TextLine(id="about")
        yield KeyBar()

    def on_mount(self) -> None:
        """Read the folders now and at intervals."""
        self.runs.focus()
        self._show_title("Reading the runs ...")
        self.set_interval(_INTERVAL, self.read)

    def on_screen_resume(self) -> None:
        """Read the folders, which may have changed."""
        self.read()

    @property
    def runs(self) -> RunsList:
        """The table."""
        return self.query_one(RunsList)

    def read(self) -> None:
        """Read the folders."""
        if not self.is_current:
            return

        def work() -> None:
            self.post_message(RowsRead(self._table.rows()))

        self.run_worker(work, thread=True, exclusive=True, group="rows")

    # The table

    def on_rows_read(self, message: RowsRead) -> None:
        """Show them in the table."""
        self.runs.show(message.rows)

    def on_runs_list_filled(self, message: RunsList.Filled) -> None:
        """Show how many runs the table has."""
        self._show_details()
        table, folder, shown = self.runs, self.app.runs_dir.resolve(), message.shown
        if not table.count:
            self._show_title(f"There are no runs in {folder} yet.")
            return
        which = f"{shown} of {counted(table.count, 'run')}"
        which = which if shown != table.count else counted(table.count, "run")
        marked = f", {len(table.marked)} marked" if table.marked else ""
        self._show_title(f"{which}{marked}, by {table.order}, in {folder}")

    def _show_title(self, sentence: str) -> None:
        title = Text(f"Runs  {printable(sentence)}")
        self.query_one("#title", TextLine).show(cut(title, self.size.width - 2))

    def _show_details(self) -> None:
        row = self.runs.row
        text = "" if row is None else about(row, self.size.width - 2)
        self.query_one("#about", TextLine).show(text)

    def on_data_table_row_highlighted(self) -> None:
        """Show details of the run at the cursor."""
        self._show_details()

    def on_data_table_row_selected(self) -> None:
        """Open the run."""
        row = self.runs.row
        if row is None:
            return
        if not row.summary.has_begun:
            self.notify(row.summary.not_begun_text, markup=False)
        elif row.summary.state != "damaged":
            self.app.open_run(row.folder)
        else:
            self.notify(str(row.summary.problem), severity="error", markup=False)

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        """Sort by the column that was clicked."""
        self.runs.sort_by_visible(event.column_index)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while it is typed."""
        self.runs.filter_by(event.value)

    def on_input_submitted(self) -> None:
        """Go back to the filtered table."""
        self.runs.focus()

    def action_back(self) -> None:
        """End the filter, or leave the screen."""
        if self.has_class("-filtering"):
            self.remove_class("-filtering")
            self.query_one(Input).value = ""
            self.runs.focus()
        else:
            self.app.pop_screen()

    def action_studies(self) -> None:
        """Open the list of studies."""
        self.app.open_studies()

    def action_filter(self) -> None:
        """Open the filter."""
        self.add_class("-filtering")
        self.query_one(Input).focus()

    def action_sort(self) -> None:
        """Sort by the next column."""
        self.runs.sort_by_next()

    def action_mark(self) -> None:
        """Mark or unmark the run for a comparison or the trash, and go to the next."""
        self.runs.mark()
