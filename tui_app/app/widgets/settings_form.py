"""The form with every setting of a lecture, checked as the user types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.markup import escape
from textual.widgets import Button

from tui_app.app.app_interface import AppInterface
from tui_app.app.form.settings_draft import SettingsDraft
from tui_app.app.messages import (
    OwnDataEntered,
    OwnDataUnchecked,
    SettingChanged,
    SettingEntered,
    SettingFocused,
    SettingReset,
    StartRequested,
)
from tui_app.app.own_data.data_choices import with_own_data
from tui_app.app.own_data.own_data import OwnData
from tui_app.app.widgets.broken_lecture import BrokenLecture
from tui_app.app.widgets.drawable import is_drawable
from tui_app.app.widgets.form_focus import FormFocus
from tui_app.app.widgets.setting_help import SettingHelp, explanation, start_label
from tui_app.app.widgets.setting_rows import Choices, SettingRows
from tui_app.runs.settings.run_options import TABLE_OPTIONS

_LOADING = "The settings appear as soon as torch is loaded."


class SettingsForm(FormFocus):
    """Rows for the settings of a draft, help for the focused one, and Start."""

    DEFAULT_CSS = """
    SettingsForm {
        border: round $foreground 25%;
        border-title-color: $text-muted;
        &.-focused { border: round $border; border-title-color: $text; }
        & > BrokenLecture { display: none; }
        &.-broken > BrokenLecture { display: block; }
        &.-broken > SettingRows { display: none; }
        &.-broken > SettingHelp { display: none; }
        & > Button { width: 1fr; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+z,ctrl+underscore", "undo", "Undo"),
        Binding("ctrl+r,ctrl+shift+z", "redo", "Redo"),
        Binding("shift+f9,ctrl+y", "reset_all", "Reset all settings", show=False),
    ]

    app: AppInterface

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.border_title = "Settings"
        self.draft: SettingsDraft | None = None
        self._choices: dict[str, Sequence[tuple[str, str]]] = {}
        self._is_busy = False
        self._note = ""
        self._undoable = (False, False)

    def compose(self) -> ComposeResult:
        """Create the parts; `fill` adds the rows."""
        yield BrokenLecture()
        yield SettingRows()
        yield SettingHelp(_LOADING)
        yield Button("Start", variant="primary", compact=True, disabled=True)

    # Filling

    def clear_draft(self) -> None:
        """Accept no edit and no start until the next `fill`."""
        self.draft = None
        self.query_one(Button).disabled = True

    def show_broken(self, lecture: str, problem: str) -> None:
        """Show why the lecture can't be used, in place of its settings."""
        self.clear_draft()
        self.border_subtitle = escape(lecture)
        self.query_one(BrokenLecture).show(problem)
        had_focus = self.has_focus_within
        self.add_class("-broken")
        if had_focus:
            self.query_one(BrokenLecture).focus()

    async def fill(self, draft: SettingsDraft, choices: Choices) -> None:
        """Show the settings of a lecture."""
        self.draft, self._choices = None, dict(choices)  # until its rows exist
        if draft.own_data is not None:
            self.app.own_data.setdefault(draft.own_data.dataset, draft.own_data)
        await self._rows.fill(draft, {**choices, "dataset": self._datasets})
        if not is_drawable(self):  # the app is exiting
            return
        self.border_subtitle = escape(draft.lecture.name)
        self.remove_class("-broken")
        self.draft, self._note = draft, ""
        self.check()

    def set_choices(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        """Offer other choices for a setting."""
        self._choices[name] = choices
        row = self._rows.row(name) if is_drawable(self) else None
        if self.draft is not None and row is not None:
            row.reuse(row.field, choices, row.text)

    @property
    def _datasets(self) -> list[tuple[str, str]]:
        return with_own_data(self._choices.get("dataset", ()), self.app.own_data)

    def choose_data(self, data: OwnData) -> None:
        """Set the data set to the user's file or folder, and add it to the choices."""
        if self.draft is None:
            return
        self.draft.choose_data(data)
        self._note = ""
        self.add_own_data(data)

    def add_own_data(self, data: OwnData) -> None:
        """Add the user's file or folder to the choices of the data set."""
        self.app.own_data[data.dataset] = data
        row = self._rows.row("dataset")
        if row is not None and self.draft is not None:
            row.reuse(row.field, self._datasets, self.draft.text("dataset"))
        self.check()

    def set_busy(self, busy: bool) -> None:
        """Disable Start while a run trains."""
        self._is_busy = busy
        self.check()

    @property
    def can_start(self) -> bool:
        """Whether every setting is valid and no run trains."""
        return not self.query_one(Button).disabled

    def check(self) -> None:
        """Mark changed settings, show their problems, and enable Start if there are none."""
        draft = self.draft
        if draft is None or not is_drawable(self):
            return
        problems = draft.problems()
        self._rows.show_state(draft, problems)
        button = self.query_one(Button)
        button.disabled = bool(problems) or self._is_busy
        button.label = "A run is under way" if self._is_busy else start_label(draft, problems)
        self._explain(problems.get("", ""))
        data = draft.own_data
        if data is not None and data not in draft.data_checked:
            self.post_message(OwnDataUnchecked(data))
        undoable = (draft.can_undo, draft.can_redo)
        if undoable != self._undoable:
            self._undoable = undoable
            self.refresh_bindings()

    def check_data_again(self) -> None:
        """Check the user's own data again if they had a problem: it may be fixed by now."""
        data = self.draft.own_data if self.draft is not None else None
        if self.draft is not None and data is not None and self.draft.data_checked.get(data):
            self.post_message(OwnDataUnchecked(data))

    def _explain(self, problem: str) -> None:
        """Show a problem of no single field, or a note, or the help of the focused setting."""
        if self.draft is not None:
            row = self._rows.row(self._last_focused)
            text = explanation(self.draft, self._last_focused, row.cut_text if row else "")
            self.query_one(SettingHelp).show(problem or self._note or text, wrong=bool(problem))

    # Edits

    def on_setting_changed(self, message: SettingChanged) -> None:
        """Apply the change, and check all settings."""
        message.stop()
        if self.draft is not None:
            self._note = ""
            row = self._rows.row(message.name)
            # The row's text, not the message's: the user may have typed more since.
            self._change(message.name, row.text if row else message.text)
            self.check()

    def _change(self, name: str, text: str) -> None:
        """Change a setting; the user's own data bring the options chosen for their columns."""
        assert self.draft is not None
        if name == "dataset" and text in self.app.own_data:
            self.draft.choose_data(self.app.own_data[text])
            return
        self.draft.change(name, text)
        data = self.draft.own_data
        if name in TABLE_OPTIONS and data is not None and data.dataset in self.app.own_data:
            self.add_own_data(data)

    def on_setting_reset(self, message: SettingReset) -> None:
        """Reset a field to its default."""
        message.stop()
        if self.draft is not None:
            self.draft.reset(message.name)
            self.check()

    def set_text(self, name: str, text: str) -> None:
        """Set a setting, as one edit."""
        if self.draft is not None:
            self.draft.end_edit()
            self.draft.change(name, text)
            self.draft.end_edit()
            self._note = ""
            self.check()

    def action_reset_all(self) -> None:
        """Reset every field to its default."""
        if self.draft is not None and self.draft.texts:
            self.draft.reset_all()
            self._note = "All settings reset to the lecture's defaults. ctrl+z undoes it."
            self.check()

    def action_undo(self) -> None:
        """Undo the last edit."""
        if self.draft is not None:
            self._show_edit("Undone", self.draft.undo())

    def action_redo(self) -> None:
        """Redo the edit that was undone last."""
        if self.draft is not None:
            self._show_edit("Redone", self.draft.redo())

    def _show_edit(self, what: str, names: list[str]) -> None:
        """Show what an undo or redo changed, and scroll to it."""
        assert self.draft is not None
        fields = self.draft.fields
        changes = [f"{fields[name].label} {self.draft.text(name) or 'empty'}" for name in names]
        self._note = f"{what}: {', '.join(changes)}." if changes else f"Nothing is {what.lower()}."
        self.check()
        row = self._rows.row(names[0]) if len(names) == 1 else None
        if row is not None:
            row.scroll_visible(animate=False)

    # Fields

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show only the keys that do something now."""
        if action in ("undo", "redo"):
            return self._undoable[action == "redo"]
        return super().check_action(action, parameters)

    def on_setting_focused(self, message: SettingFocused) -> None:
        """Explain the setting that has the focus."""
        message.stop()
        is_other, self._last_focused = message.name != self._last_focused, message.name
        if self.draft is None:
            return
        if is_other:
            self.draft.end_edit()
            self._note = ""
            self.check_data_again()
        self._explain(self.draft.problems().get("", ""))

    def on_setting_entered(self, message: SettingEntered) -> None:
        """Go to the next field if the value is valid."""
        message.stop()
        row, below = self._rows.row(message.name), self._rows.neighbour(message.name, 1)
        if self.draft is None or row is None or row.problem:
            return
        self.draft.end_edit()
        data = self.draft.own_data
        if message.name == "dataset" and data is not None and data.dataset not in self.app.own_data:
            self.post_message(OwnDataEntered(data))
        if below is not None:
            below.focus_field()
        else:
            self.action_leave_field()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Request the start of training."""
        event.stop()
        self.post_message(StartRequested())
