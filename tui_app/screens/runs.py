"""All runs: found, opened, compared, taken up, noted upon and put away."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import DataTable, Input

from tui_app.following.run_table import RunRow, RunTable, settings_of, write_note
from tui_app.following.take_up import TakeUp
from tui_app.following.trash import Discarded, bring_back, discard
from tui_app.messages import RowsRead
from tui_app.screens.ask import Ask
from tui_app.screens.choose import Choose
from tui_app.training.errors import DamagedRun, RunLocked
from tui_app.training.narrate import counted, printable
from tui_app.widgets.key_bar import KeyBar
from tui_app.widgets.line import Line
from tui_app.widgets.runs_list import RunsList

if TYPE_CHECKING:
    from tui_app.app import TutorchApp

#: Seconds between two looks at the folders.
_AGAIN = 3.0


class RunsScreen(Screen[None]):
    """A table of the run folders, and what can be done with them."""

    app: TutorchApp

    DEFAULT_CSS = """
    RunsScreen {
        & > #title { padding: 0 1; background: $panel; color: $text-muted; }
        & > Input { display: none; background: $boost; padding: 0 1; }
        &.-filtering > Input { display: block; }
        & > #about {
            height: 3; padding: 0 1; color: $text-muted; border-top: solid $foreground 25%;
        }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,r", "back", "Back"),
        Binding("space", "mark", "Mark"),
        Binding("c", "compare", "Compare"),
        Binding("u", "resume", "Resume"),
        Binding("e", "extend", "Extend"),
        Binding("n", "again", "New like it"),
        Binding("t", "note", "Note"),
        Binding("d,delete", "discard", "Trash"),
        Binding("ctrl+z", "undo", "Undo", show=False),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("s", "sort", "Sort"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._table = RunTable(self.app.runs_dir)
        self._discarded: list[Discarded] = []

    def compose(self) -> ComposeResult:
        """A filter, the table, and a word about the run that is looked at."""
        yield Line(id="title")
        yield Input(placeholder="lecture, data, state, setting=value or note", compact=True)
        yield RunsList()
        yield Line(id="about")
        yield KeyBar()

    def on_mount(self) -> None:
        """Read the folders, and again now and then."""
        self._list.focus()
        self._tell("Reading the runs ...")
        self._read()
        self.set_interval(_AGAIN, self._read)

    @property
    def _list(self) -> RunsList:
        return self.query_one(RunsList)

    def _read(self) -> None:
        if not self.is_current:
            return

        def work() -> None:
            self.post_message(RowsRead(self._table.rows()))

        self.run_worker(work, thread=True, exclusive=True, group="rows")

    # The table

    def on_rows_read(self, message: RowsRead) -> None:
        """Show them."""
        self._list.show(message.rows)

    def on_runs_list_filled(self, message: RunsList.Filled) -> None:
        """Say how many there are."""
        self._about()
        table, folder, shown = self._list, self.app.runs_dir.resolve(), message.shown
        if not table.count:
            self._tell(f"There are no runs in {folder} yet.")
            return
        runs = table.count
        which = f"{shown} of {runs} runs" if shown != runs else counted(runs, "run")
        marked = f", {len(table.marked)} marked" if table.marked else ""
        self._tell(f"{which}{marked} in {folder}, by {table.order}")

    def _tell(self, sentence: str) -> None:
        self.query_one("#title", Line).tell(f"Runs  {printable(sentence)}")

    def _about(self) -> None:
        row, about = self._list.row, self.query_one("#about", Line)
        if row is None:
            about.tell("")
            return
        differs = "  ".join(f"{name}={value}" for name, value in row.differs.items())
        words = row.summary.problem or row.summary.reason or ""
        text = Text(printable(f"{row.folder.name}  {words}"))
        text.append("\n").append(printable(f"{differs or 'all as the lecture has it'}  "), "bold")
        text.append(printable(" ".join(row.note.split())), "italic")
        about.tell(text)

    def on_data_table_row_highlighted(self) -> None:
        """Say more of the run that is looked at."""
        self._about()

    def on_data_table_row_selected(self) -> None:
        """Open it."""
        row = self._list.row
        if row is not None and row.summary.state != "damaged":
            self.app.open_run(row.folder)
        elif row is not None:
            self.notify(str(row.summary.problem), severity="error", markup=False)

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        """Sort by the column that was clicked."""
        self._list.sort_by(event.column_index)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while it is typed."""
        self._list.seek(event.value)

    def on_input_submitted(self) -> None:
        """Back to the table, filtered."""
        self._list.focus()

    # Acts

    def action_back(self) -> None:
        """End the filter, or leave the screen."""
        if self.has_class("-filtering"):
            self.remove_class("-filtering")
            self.query_one(Input).value = ""
            self._list.focus()
        else:
            self.app.pop_screen()

    def action_filter(self) -> None:
        """Type what the rows should have."""
        self.add_class("-filtering")
        self.query_one(Input).focus()

    def action_sort(self) -> None:
        """By the next column."""
        self._list.sort_by_next()

    def action_mark(self) -> None:
        """Mark the run for a comparison, or not, and go to the next."""
        self._list.mark()

    def action_compare(self) -> None:
        """The marked runs in one chart."""
        from tui_app.screens.compare import CompareScreen

        rows = self._list.marked_rows
        if len(rows) < 2:
            self.notify("Mark two runs or more with the space bar, then compare them.")
            return
        self.app.push_screen(CompareScreen(rows))
        self.app.look_soon()

    def action_resume(self) -> None:
        """Go on where it stopped."""
        row = self._list.row
        if row is None:
            return
        if row.summary.state in ("running", "paused"):
            self.notify("It is training: Enter opens it.")
        elif row.summary.state == "completed" and row.summary.epoch >= (row.summary.epochs or 0):
            self.notify("It has had all its epochs: extend it to give it more.")
        else:
            self.app.take_up(TakeUp(row.folder))

    def action_extend(self) -> None:
        """Give it more epochs."""
        row = self._list.row
        if row is None or row.summary.state in ("running", "paused", "damaged"):
            return
        trained = row.summary.epoch
        question = f"Epochs in all ({trained} are trained)"

        def problem(text: str) -> str:
            more = text.strip().isdecimal() and int(text) > trained
            return "" if more else f"It takes a whole number above {trained}."

        def extend(text: str | None) -> None:
            if text is not None:
                self.app.take_up(TakeUp(row.folder, epochs=int(text)))

        self.app.push_screen(Ask(question, str(max(2 * trained, 1)), problem), extend)

    async def action_again(self) -> None:
        """Fill the form with its settings."""
        row = self._list.row
        if row is None:
            return
        try:
            path, given = settings_of(row.folder)
        except DamagedRun as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.app.pop_screen()
        await self.app.main.set_up(path, given)

    def action_note(self) -> None:
        """Write a note on it."""
        row = self._list.row
        if row is None:
            return

        def keep(text: str | None) -> None:
            if text is not None:
                try:
                    write_note(row.folder, text)
                except OSError as error:
                    self.notify(str(error), severity="error", markup=False)
                self._read()

        self.app.push_screen(Ask(f"A note on {row.folder.name}", row.note), keep)

    def action_discard(self) -> None:
        """Put it into the trash, after a question."""
        row = self._list.row
        if row is None:
            return
        answers = [("d", "Put it into the trash; ctrl+z brings it back"), ("b", "Keep it")]

        def answered(answer: str | None) -> None:
            if answer == "d":
                self._discard(row)

        self.app.push_screen(Choose(f"Put {row.folder.name} away?", answers), answered)

    def _discard(self, row: RunRow) -> None:
        try:
            self._discarded.append(discard(row.folder))
        except (RunLocked, OSError) as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self._list.marked.pop(row.folder.name, None)
        self.notify("It is in the trash. ctrl+z brings it back.")
        self._read()

    def action_undo(self) -> None:
        """Bring the last one back."""
        if not self._discarded:
            self.notify("Nothing was put away since this screen was opened.")
            return
        try:
            bring_back(self._discarded.pop())
        except OSError as error:
            self.notify(str(error), severity="error", markup=False)
        self._read()
