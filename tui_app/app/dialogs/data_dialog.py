"""The base class of the dialogs that preview the user's own data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.markup import escape
from textual.widgets import Label

from tui_app.app.dialogs.dialog import Dialog
from tui_app.app.messages import PreviewRead
from tui_app.app.own_data.data_check import read_preview
from tui_app.app.own_data.own_data import OwnData
from tui_app.app.own_data.reading_thread import ReadingThread, Stopped
from tui_app.app.widgets.text_line import TextLine
from tui_app.text.escaping import printable

if TYPE_CHECKING:
    from models.lecture import Lecture


class DataDialog(Dialog):
    """Returns "ok" with the choices in `data`, or None."""

    DEFAULT_CSS = """
    DataDialog {
        align: center middle;
        & > Vertical {
            width: 120; max-width: 98%; height: 96%; max-height: 46;
            border: round $border; background: $surface; padding: 0 1;
        }
        & .about { color: $text; }
        & .about.-wrong { color: $text-error; height: auto; max-height: 3; text-wrap: wrap; }
        & .keys { color: $text-muted; width: 1fr; }
    }
    """

    _keys = ""

    def __init__(self, data: OwnData, lecture: Lecture) -> None:
        super().__init__()
        self.data = data
        self._lecture = lecture
        self._data_thread = ReadingThread()

    def compose(self) -> ComposeResult:
        """Two lines about the data, the preview, and the keys."""
        with Vertical() as box:
            place = printable(str(self.data.path))
            box.border_title = escape(place if len(place) < 70 else f"...{place[-66:]}")
            yield TextLine(classes="about")
            yield TextLine(classes="about", id="second")
            yield from self.compose_data()
            yield Label(self._keys, classes="keys", markup=False)

    def compose_data(self) -> ComposeResult:
        """The widgets that show the preview."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Read in a thread: a file may be large, or its disk may hang."""
        self.show_text("Reading ...")
        data = self.data

        def work(stopped: Stopped) -> None:
            preview, problem = read_preview(data, stopped)
            if not stopped():
                self.post_message(PreviewRead(preview, problem))

        self._data_thread.begin(work)

    def on_unmount(self) -> None:
        """Stop reading."""
        self._data_thread.stop()

    def show_text(self, sentence: str, second: str = "", *, wrong: bool = False) -> None:
        """Show a sentence about the data, and a second one: the choice, or a problem if `wrong`."""
        about, other = self.query(".about").results(TextLine)
        about.show(printable(sentence))
        other.set_class(wrong, "-wrong")
        other.update(printable(second))
