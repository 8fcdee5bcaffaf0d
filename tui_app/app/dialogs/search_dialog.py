"""Asks for the name of a search, its number of trials and its pruner, before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, Static

from datasets.reading.cell_numbers import whole_number
from models.fields import InvalidValue
from tui_app.app.dialogs.dialog import Dialog
from tui_app.app.form.settings_draft import SettingsDraft
from tui_app.app.messages import StudyNamesRead
from tui_app.app.own_data.reading_thread import ReadingThread, Stopped
from tui_app.app.studies.search_request import (
    PRUNERS,
    SearchChoice,
    default_name,
    varied_texts,
)
from tui_app.app.studies.study_reading import study_names
from tui_app.app.widgets.choice_field import ChoiceField
from tui_app.app.widgets.text_field import TextField
from tui_app.search.storage import check_study_name
from tui_app.text.escaping import printable

_NOTE = "Each trial is a run. The search goes on when you leave tutorch."

#: The most settings that are listed.
_LISTED = 6


class SearchDialog(Dialog):
    """Returns "ok" with what was chosen in `choice`, or None."""

    DEFAULT_CSS = """
    SearchDialog {
        align: center middle;
        & > Vertical {
            width: 64; max-width: 94%; height: auto; max-height: 96%;
            border: round $border; border-title-color: $text; background: $surface; padding: 1 2;
        }
        & .varied { height: auto; margin-bottom: 1; }
        & Horizontal { height: 1; }
        & Horizontal > Label { width: 10; color: $text-muted; }
        & TextField { width: 1fr; background: $boost; }
        & ChoiceField { width: 1fr; }
        & .note { height: auto; margin-top: 1; color: $text-muted; }
        & .problem { height: auto; color: $text-error; }
        & .keys { color: $text-muted; margin-top: 1; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "start", "Start"),
        Binding("down", "app.focus_next", "Next field", show=False),
        Binding("up", "app.focus_previous", "Previous field", show=False),
    ]

    def __init__(self, draft: SettingsDraft, runs_dir: Path) -> None:
        super().__init__()
        self._draft = draft
        self._runs_dir = runs_dir
        self._default_name = default_name(draft, ())
        self.choice = SearchChoice(self._default_name)
        self._taken: Sequence[str] | None = None  # until the names of the studies are read
        self._unavailable = ""
        self._starts_when_ready = False
        self._thread = ReadingThread()

    def compose(self) -> ComposeResult:
        """What varies, the three fields, the problem with them, and the keys."""
        with Vertical() as box:
            box.border_title = "Search"
            yield Static("\n".join(self._varied_lines()), classes="varied", markup=False)
            with Horizontal():
                yield Label("trials")
                yield TextField(str(self.choice.trials))
            with Horizontal():
                yield Label("pruner")
                yield ChoiceField([(name, name) for name in PRUNERS], self.choice.pruner)
            with Horizontal():
                yield Label("name")
                yield TextField(self.choice.name)
            yield Static(classes="problem", markup=False)
            yield Static(_NOTE, classes="note", markup=False)
            yield Label("Enter: start · Tab: next field · Esc: cancel", classes="keys")

    def _varied_lines(self) -> Sequence[str]:
        varied = varied_texts(self._draft)
        names = [name.replace("_", " ") for name in varied]
        width = max(map(len, names), default=0)
        lines = [
            f"{name:<{width}}  {printable(text)}"
            for name, text in zip(names, varied.values(), strict=True)
        ]
        more = len(lines) - _LISTED
        return lines if more <= 0 else [*lines[:_LISTED], f"and {more} more"]

    def on_mount(self) -> None:
        """Focus the number of trials, and read which names are taken."""
        self._trials_field.focus()
        runs_dir = self._runs_dir

        def work(stopped: Stopped) -> None:
            names, problem = study_names(runs_dir)
            if not stopped():
                self.post_message(StudyNamesRead(names, problem))

        self._thread.begin(work)

    def on_unmount(self) -> None:
        """Stop reading."""
        self._thread.stop()

    def on_study_names_read(self, message: StudyNamesRead) -> None:
        """Choose a name that isn't taken; start if that was requested already."""
        self._taken, self._unavailable = message.names, message.problem
        field = self._name_field
        if field.value == self._default_name:
            field.value = default_name(self._draft, message.names)
        self._show_problem()
        if self._starts_when_ready:
            self.action_start()

    @property
    def _trials_field(self) -> Input:
        return self.query(TextField).first()

    @property
    def _name_field(self) -> Input:
        return self.query(TextField).last()

    @property
    def problem(self) -> str:
        """What is wrong with the fields, or an empty text."""
        if self._unavailable:
            return self._unavailable
        trials = whole_number(self._trials_field.value.strip())
        if trials is None or trials < 1:
            return "trials: a whole number ≥ 1"
        name = self._name_field.value.strip()
        if name in (self._taken or ()):
            return f"name: there is a study {name!r} already"
        try:
            check_study_name(name)
        except InvalidValue as error:
            return str(error)
        return ""

    def on_input_changed(self) -> None:
        """Show the problem while the user types."""
        self._show_problem()

    def _show_problem(self) -> None:
        self.query_one(".problem", Static).update(printable(self.problem))

    def on_input_submitted(self) -> None:
        """Start the search."""
        self.action_start()

    def action_start(self) -> None:
        """Return what was chosen, if there is no problem."""
        self._show_problem()
        self._starts_when_ready = self._taken is None
        if self.problem or self._starts_when_ready:
            return
        name, trials = self._name_field.value.strip(), self._trials_field.value.strip()
        self.choice = SearchChoice(name, int(trials), self.query_one(ChoiceField).value)
        self.dismiss("ok")
