"""Lists the studies of the runs folder, and opens one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from tui_app.app.app_interface import AppInterface
from tui_app.app.messages import StudiesRead
from tui_app.app.own_data.reading_thread import ReadingThread, Stopped
from tui_app.app.studies.study_reading import read_studies
from tui_app.app.studies.study_texts import STUDY_COLUMNS, study_cells
from tui_app.app.widgets.drawable import while_drawable
from tui_app.app.widgets.key_bar import KeyBar
from tui_app.app.widgets.line_list import LineList
from tui_app.app.widgets.text_line import TextLine
from tui_app.search.summary import StudySummary
from tui_app.text.cells import cut
from tui_app.text.columns import aligned, fitted_widths, natural_widths
from tui_app.text.escaping import printable

#: Seconds between two readings.
_INTERVAL = 4.0

_NONE = (
    "There are no studies yet. Write a range into a field of the form, such as 1e-4..1:log for "
    "the lr, and press s."
)


class StudyLines(LineList[StudySummary]):
    """The studies, one a line."""

    widths: Sequence[int] = ()

    def draw_item(self, item: StudySummary) -> Text:
        """Draw the row of a study."""
        return Text(aligned(STUDY_COLUMNS, study_cells(item), self.widths))


class StudiesScreen(Screen[None]):
    """Reads the studies in a thread, since their storage may be slow."""

    DEFAULT_CSS = """
    StudiesScreen {
        & > #title { padding: 0 1; background: $panel; color: $text-muted; }
        & > #note { padding: 0 1; height: auto; max-height: 6; color: $text-muted; }
        & > .header { padding: 0 1; color: $text-muted; text-style: underline; }
        & > StudyLines { padding: 0 1; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_study", "Open", key_display="enter"),
        Binding("escape,y,backspace", "app.pop_screen", "Back", key_display="esc"),
    ]

    app: AppInterface

    def __init__(self) -> None:
        super().__init__()
        self._thread = ReadingThread()
        self._is_reading = False
        self._next_reading: Timer | None = None

    def compose(self) -> ComposeResult:
        """How many there are, the table, and the keys."""
        yield TextLine(id="title")
        yield Static(id="note", markup=False)
        yield TextLine(classes="header")
        yield StudyLines()
        yield KeyBar()

    def on_mount(self) -> None:
        """Begin to read."""
        self._lines.focus()
        self._show_title("Reading the studies ...")

    @property
    def _lines(self) -> StudyLines:
        return self.query_one(StudyLines)

    def on_unmount(self) -> None:
        """Stop reading."""
        self._thread.stop()

    def on_screen_resume(self) -> None:
        """Read the studies, which may have changed."""
        self._read()

    def _read(self) -> None:
        if self._is_reading or not self.is_current:
            return
        self._is_reading = True
        if self._next_reading is not None:
            self._next_reading.stop()
        runs_dir = self.app.runs_dir

        def work(stopped: Stopped) -> None:
            studies, problem = read_studies(runs_dir)
            if not stopped():
                self.post_message(StudiesRead(studies, problem))

        self._thread.begin(work)

    @while_drawable
    def on_studies_read(self, message: StudiesRead) -> None:
        """Show them, and read them again in a while."""
        self._is_reading = False
        self._next_reading = self.set_timer(_INTERVAL, self._read)
        studies, folder = list(message.studies), self.app.runs_dir.resolve()
        count = f"{len(studies)} studies" if len(studies) > 1 else "1 study"
        self._show_title(f"{count if studies else 'none'} in {folder}")
        note = message.problem or ("" if studies else _NONE)
        self.query_one("#note", Static).update(printable(note))
        self.query_one("#note", Static).display = bool(note)
        names, before = [study.name for study in studies], self._lines.item
        place = names.index(before.name) if before is not None and before.name in names else 0
        self._lines.items = studies
        self._fit()
        self._lines.show(studies, place)

    def _show_title(self, sentence: str) -> None:
        title = Text(f"Studies  {printable(sentence)}")
        self.query_one("#title", TextLine).show(cut(title, self.size.width - 2))

    def on_resize(self) -> None:
        """Fit the columns to the new width."""
        self._fit()

    @while_drawable
    def _fit(self) -> None:
        titles = [column.title for column in STUDY_COLUMNS]
        rows = [titles, *(study_cells(study) for study in self._lines.items)]
        widths = fitted_widths(STUDY_COLUMNS, natural_widths(rows), self.size.width - 3)
        self._lines.widths = widths
        header = Text(aligned(STUDY_COLUMNS, titles, widths) if len(rows) > 1 else "")
        self.query_one(".header", TextLine).show(cut(header, self.size.width - 2))

    def on_line_list_clicked(self, message: LineList.Clicked) -> None:
        """Open the study at a double click."""
        message.stop()
        if message.is_double:
            self.action_open_study()

    def action_open_study(self) -> None:
        """Open the study at the cursor."""
        study = self._lines.item
        if study is not None:
            self.app.open_study(study.name)
