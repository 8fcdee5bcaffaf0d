"""Opens the dialogs for the user's own data, and checks the data that the form names."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.timer import Timer

from tui_app.app.dialogs.choice_question import ChoiceQuestion
from tui_app.app.dialogs.folder_dialog import FolderDialog
from tui_app.app.dialogs.pick_path import PickPath
from tui_app.app.dialogs.table_dialog import TableDialog
from tui_app.app.messages import OwnDataChecked, OwnDataEntered, OwnDataRequested, OwnDataUnchecked
from tui_app.app.own_data.data_check import problem_with
from tui_app.app.own_data.own_data import OwnData
from tui_app.app.own_data.reading_thread import ReadingThread, Stopped
from tui_app.app.screens.main_screen.panes import PaneScreen
from tui_app.app.widgets.settings_form import SettingsForm
from tui_app.training.data.suitable_data import kinds_of_own_data

#: Seconds without a change before the data that are typed are checked.
_DWELL = 0.3


class OwnDataScreen(PaneScreen):
    """Lets the user pick a table or a folder of images, and shows what is in it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p,f12", "own_data", "Own data", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._data_thread = ReadingThread()
        self._unchecked: OwnData | None = None
        self._check_delay: Timer | None = None

    @property
    def _form(self) -> SettingsForm:
        return self.query_one(SettingsForm)

    # The dialogs

    def action_own_data(self) -> None:
        """Show the user's own data that the form names; without any, ask what to pick."""
        draft = self._form.draft
        if draft is None:
            return
        kinds = kinds_of_own_data(draft.lecture)
        if not kinds:
            self.notify(
                f"{draft.lecture.name} learns neither from a table nor from a folder of images.",
                markup=False,
            )
            return
        answers = [answer for kind, answer in _ANSWERS.items() if kind in kinds]
        data = draft.own_data
        if data is not None:
            answers.insert(0, ("p", f"{data.short_name}: {_SHOWS[data.kind]}"))

        def answered(answer: str | None) -> None:
            if answer == "p" and data is not None:
                self.show_data(data)
            elif answer in _KINDS:
                self.pick_data(_KINDS[answer])

        if len(answers) == 1:
            answered(answers[0][0])
        else:
            self.app.push_screen(ChoiceQuestion("Which data to learn from?", answers), answered)

    def on_own_data_requested(self, message: OwnDataRequested) -> None:
        """Open the dialog that was chosen in the form's list."""
        self.pick_data(message.kind)

    def pick_data(self, kind: str) -> None:
        """Pick a table (`csv`) or a folder of images (`folder`), then show it."""

        def picked(path: str | None) -> None:
            if path is not None:
                self.app.data_folder = Path(path).parent
                name = f"{kind}:{path}"
                self.show_data(self.app.own_data.get(name, OwnData(name)))

        self.app.push_screen(PickPath(kind, self.app.data_folder), picked)

    def show_data(self, data: OwnData) -> None:
        """Show a table or a folder of images; OK sets the form to it."""
        draft = self._form.draft
        if draft is None:
            return
        dialog = (TableDialog if data.kind == "csv" else FolderDialog)(data, draft.lecture)

        def answered(answer: str | None) -> None:
            if answer is not None:
                self._form.choose_data(dialog.data)
                self.choose_pane("settings")

        self.app.push_screen(dialog, answered)

    def on_own_data_entered(self, message: OwnDataEntered) -> None:
        """Offer the data that were typed from now on, and ask for the target of a table."""
        self._form.add_own_data(message.data)
        if message.data.dataset.startswith("csv:") and not message.data.target:
            self.show_data(message.data)

    # Checks

    def on_own_data_unchecked(self, message: OwnDataUnchecked) -> None:
        """Check the data once nothing was typed for a moment."""
        if message.data == self._unchecked:
            return
        self._unchecked = message.data
        if self._check_delay is not None:
            self._check_delay.stop()
        self._check_delay = self.set_timer(_DWELL, self._check_data)

    def _check_data(self) -> None:
        data, draft = self._unchecked, self._form.draft
        if data is None or draft is None:
            return
        lecture = draft.lecture

        def work(stopped: Stopped) -> None:
            problem = problem_with(data, lecture, stopped)
            if not stopped():
                self.post_message(OwnDataChecked(data, problem))

        self._data_thread.begin(work)

    def on_own_data_checked(self, message: OwnDataChecked) -> None:
        """Show the problem with the data in the form."""
        if message.data == self._unchecked:
            self._unchecked = None
        draft = self._form.draft
        if draft is not None:
            draft.data_checked[message.data] = message.problem
            self._form.check()


_ANSWERS = {
    "csv": ("t", "your own table (CSV, TSV, ARFF) ..."),
    "folder": ("i", "your own images, one folder a class ..."),
}
_SHOWS = {"csv": "its columns and first rows", "folder": "its classes and images"}
_KINDS = {"t": "csv", "i": "folder"}
