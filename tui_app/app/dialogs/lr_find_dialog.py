"""Finds a learning rate in a thread, shows its chart, and lets the user choose one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.markup import escape
from textual.widgets import Label

from datasets.own.names import short_name
from datasets.reading.progress import LoadingStopped, Progress
from tui_app.app.dialogs.dialog import Dialog
from tui_app.app.messages import LrFindEnded
from tui_app.app.widgets.drawable import while_drawable
from tui_app.app.widgets.text_line import TextLine
from tui_app.app.widgets.view_area import ViewArea
from tui_app.monitoring.failures import failure_of
from tui_app.monitoring.random_numbers import interruption_as_error, start_probe_thread
from tui_app.runs.event_text import loading_detail
from tui_app.text.escaping import printable
from tui_app.views.shared.lr_chart import lr_chart
from tui_app.views.view import Frame

if TYPE_CHECKING:
    from tui_app.inspection.lr_finder.finding import LrFinding
    from tui_app.runs.settings.run_settings import RunSettings

_SEARCHING = "Esc: cancel"
_CHOOSING = "← →: choose · Enter: put it into the form · Esc: cancel"


class LrFindDialog(Dialog):
    """Returns the chosen lr as text, or None."""

    DEFAULT_CSS = """
    LrFindDialog {
        align: center middle;
        & > Vertical {
            width: 120; max-width: 98%; height: 96%; max-height: 46;
            border: round $border; background: $surface; padding: 0 1;
        }
        & .keys { color: $text-muted; width: 1fr; }
        & .about.-wrong { color: $text-error; height: auto; max-height: 8; text-wrap: wrap; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "OK"),
        Binding("left,up", "other_lr(-1)", "Previous"),
        Binding("right,down", "other_lr(1)", "Next"),
    ]

    def __init__(self, settings: RunSettings) -> None:
        super().__init__()
        self._settings = settings
        self._left = threading.Event()
        self._progress = "waiting until a view of the model is computed"
        self._found: LrFinding | None = None
        self._chosen = "suggestion"

    def compose(self) -> ComposeResult:
        """The progress, the chart, and the keys."""
        with Vertical() as box:
            of = f"{self._settings.lecture.name} on {short_name(self._settings.dataset)}"
            box.border_title = escape(f"Find a learning rate: {printable(of)}")
            yield TextLine(classes="about")
            yield ViewArea()
            yield Label(_SEARCHING, classes="keys", markup=False)

    def on_mount(self) -> None:
        """Search in a thread that exits as soon as the dialog is closed."""
        self.query_one(ViewArea).focus()
        self._timer = self.set_interval(0.25, self._show_progress)
        start_probe_thread(self._find)

    def on_unmount(self) -> None:
        """Stop searching."""
        self._left.set()

    # In the thread

    def _find(self) -> None:
        """Search; post what was found, or the problem."""
        if self._left.is_set():
            return
        self._progress = "loading torch and the data"
        from tui_app.inspection.lr_finder.finder import find_lr  # puts off torch
        from tui_app.training.devices.device import release_gpu_memory  # puts off torch

        try:
            with interruption_as_error():
                found = find_lr(self._settings, self._on_progress, self._left.is_set)
            ended = LrFindEnded(found)
        except LoadingStopped:
            return
        except Exception as error:  # noqa: BLE001  shown in the chart's place
            ended = LrFindEnded(None, failure_of(error).sentence)
        finally:
            release_gpu_memory()
        if not self._left.is_set():
            self.post_message(ended)

    def _on_progress(self, progress: Progress) -> None:
        self._progress = f"{progress.step}: {loading_detail(progress)}"

    # On the screen

    @while_drawable
    def _show_progress(self) -> None:
        self.query_one(".about", TextLine).show(printable(self._progress))

    def on_lr_find_ended(self, message: LrFindEnded) -> None:
        """Show the chart, or the problem."""
        self._timer.stop()
        self._found = message.found
        about = self.query_one(".about", TextLine)
        about.set_class(message.found is None, "-wrong")
        about.update(printable(message.problem or " ".join(self._notes)))
        if message.found is not None and message.found.choices:
            self.query_one(".keys", Label).update(_CHOOSING)
        self._draw()

    @property
    def _notes(self) -> tuple[str, ...]:
        return self._found.notes if self._found is not None else ()

    def on_resize(self) -> None:
        """Draw the chart for the new size."""
        self.call_after_refresh(self._draw)

    @while_drawable
    def _draw(self) -> None:
        area = self.query_one(ViewArea)
        if self._found is not None and area.size.width:
            frame = Frame(area.size.width, area.size.height, area.pen)
            area.show(lr_chart(self._found, frame, self._chosen))

    def action_other_lr(self, by: int) -> None:
        """Choose the next of the lrs, or the one before."""
        names = list(self._found.choices) if self._found is not None else []
        if names:
            self._chosen = names[(names.index(self._chosen) + by) % len(names)]
            self._draw()

    def action_choose(self) -> None:
        """Return the chosen lr; without any, cancel."""
        if self._found is not None:
            lr = self._found.choices.get(self._chosen)
            self.dismiss(None if lr is None else f"{lr:g}")
