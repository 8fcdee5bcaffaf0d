"""Shows the first rows of a table, and lets the user choose its target and its inputs."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from datasets import DataDamaged, UnknownDataset
from datasets.own.preview import TablePreview, check_table
from datasets.own.target import MOST_NUMBERED_CLASSES
from models.fields import InvalidValue
from tui_app.app.dialogs.data_dialog import DataDialog
from tui_app.app.messages import PreviewRead
from tui_app.app.own_data.column_selection import ColumnSelection
from tui_app.app.widgets.column_list import HEADER, ColumnList
from tui_app.app.widgets.line_list import LineList
from tui_app.app.widgets.sample_table import SampleTable
from tui_app.app.widgets.text_line import TextLine
from tui_app.text.quantities import counted
from tui_app.training.data.suitable_data import refuse_unsuitable_inputs


class TableDialog(DataDialog):
    """The columns, each with how it is read, above the first rows."""

    DEFAULT_CSS = """
    TableDialog {
        & > Vertical > .header { color: $text-muted; text-style: underline; }
        & ColumnList { height: 3fr; min-height: 3; }
        & SampleTable { height: 2fr; min-height: 4; border-top: solid $foreground 25%; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "OK"),
        Binding("t", "target", "Predict"),
        Binding("space", "use", "Use, leave out"),
    ]

    _keys = "Enter: OK · t: predict this · Space: use or not · Tab: rows · Esc: cancel"

    def compose_data(self) -> ComposeResult:
        """The columns and the first rows."""
        yield TextLine(classes="header")
        yield ColumnList()
        yield SampleTable()

    def on_mount(self) -> None:
        """Focus the columns."""
        super().on_mount()
        self._columns.focus()
        self.query_one(".header", TextLine).show(HEADER)

    _preview: TablePreview | None = None

    @property
    def _columns(self) -> ColumnList:
        return self.query_one(ColumnList)

    def on_preview_read(self, message: PreviewRead) -> None:
        """Show the columns and rows."""
        preview = message.preview
        if not isinstance(preview, TablePreview):
            self.show_text("This table can't be read.", message.problem, wrong=True)
            return
        self._preview = preview
        self._columns.selection = selection = ColumnSelection(self.data, preview)
        names = list(preview.table.columns)
        place = names.index(selection.target) if selection.target else len(names) - 1
        self._columns.show(selection.reports, place)
        self.query_one(SampleTable).show(preview.table)
        self._show_choice()

    def _show_choice(self, problem: str = "") -> None:
        """Show the size of the table, and the target or the problem."""
        preview, selection = self._preview, self._columns.selection
        if preview is not None and selection is not None:
            problem = problem or self._problem_with(preview, selection)
            choice = _describe_target(preview, selection)
            self.show_text(_size(preview), problem or choice, wrong=bool(problem))

    def _problem_with(self, preview: TablePreview, selection: ColumnSelection) -> str:
        """Why the lecture can't learn from the chosen columns, judged by these rows; or ""."""
        if not selection.target:
            return ""
        try:
            check_table(preview, selection.result.choice, self._lecture.task)
            refuse_unsuitable_inputs(self._lecture, selection.inputs)
        except (UnknownDataset, DataDamaged, InvalidValue) as error:
            return str(error)
        return "" if selection.used else "There is nothing left to learn from."

    # What is chosen

    def action_choose(self) -> None:
        """Return the choice; without a target, make the column at the cursor the target."""
        selection = self._columns.selection
        if selection is None:
            return
        if not selection.target:
            self.action_target()
        else:
            self.data = selection.result
            self.dismiss("ok")

    def action_target(self) -> None:
        """Make the column at the cursor the target."""
        selection, report = self._columns.selection, self._columns.item
        if selection is not None and report is not None:
            selection.predict(report.name)
            self._show_again(selection)

    def action_use(self) -> None:
        """Leave the column at the cursor out, or use it."""
        selection, report = self._columns.selection, self._columns.item
        if selection is not None and report is not None:
            self._show_again(selection, selection.toggle(report.name))

    def _show_again(self, selection: ColumnSelection, problem: str = "") -> None:
        self._columns.show(selection.reports, self._columns.cursor)
        self._show_choice(problem)

    def on_line_list_clicked(self, message: LineList.Clicked) -> None:
        """Make the column the target at a double click."""
        message.stop()
        if message.is_double:
            self.action_target()


def _size(preview: TablePreview) -> str:
    """The size of the table, and its text encoding."""
    columns, read = counted(len(preview.table.columns), "column"), len(preview.table)
    if preview.is_whole:
        rows = counted(read, "row")
    else:
        about = f" of about {float(f'{preview.rows:.2g}'):.0f}" if preview.rows else ""
        rows = f"the first {read}{about} rows"
    return "; ".join(filter(None, (f"{rows}, {columns}", preview.encoding)))


def _describe_target(preview: TablePreview, selection: ColumnSelection) -> str:
    """The target with its classes or range, and how many inputs there are."""
    target = selection.target
    if not target:
        return "Which column is to be predicted? Go to it and press Enter."
    text = f"predicts {target} from {counted(selection.inputs, 'input')}"
    classes, numbers = preview.classes(target), preview.numbers(target)
    if numbers and len(classes) > MOST_NUMBERED_CLASSES:
        return f"{text}: numbers from {min(numbers):g} to {max(numbers):g}"
    shown = ", ".join(f"{name} ({count})" for name, count in classes[:12])
    more = f", ... ({len(classes)} values)" if len(classes) > 12 else ""
    return f"{text}: {shown}{more}"
