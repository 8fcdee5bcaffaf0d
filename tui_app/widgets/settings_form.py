"""The form: every setting of a lecture, checked while it is typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.markup import escape
from textual.widgets import Button, Input

from tui_app.draft import Draft
from tui_app.messages import (
    SettingChanged,
    SettingEntered,
    SettingFocused,
    SettingReset,
    StartRequested,
)
from tui_app.widgets.broken_lecture import BrokenLecture
from tui_app.widgets.choice import Choice
from tui_app.widgets.drawable import is_drawable
from tui_app.widgets.setting_help import SettingHelp, explanation
from tui_app.widgets.setting_rows import Choices, SettingRows

_LOADING = "The settings appear as soon as torch is loaded."


class SettingsForm(Vertical):
    """Rows made from a draft, some lines about the one that is being set, and Start.

    Escape leaves a field: the form itself then has the focus, so that digits and letters are keys
    again. It can't be reached otherwise, and tab goes from field to field.
    """

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
        Binding("escape", "leave_field", "Leave field", key_display="esc"),
        Binding("escape", "leave_choice", "Leave field", show=False),
        Binding("enter", "edit", "Edit"),
        Binding("ctrl+z,ctrl+underscore", "undo", "Undo"),
        Binding("ctrl+r,ctrl+shift+z", "redo", "Redo"),
        Binding("shift+f9,ctrl+y", "reset_all", "Reset all settings", show=False),
        Binding("down", "move(1)", "Next", show=False),
        Binding("up", "move(-1)", "Previous", show=False),
    ]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.border_title = "Settings"
        self.draft: Draft | None = None
        self._choices: dict[str, Sequence[tuple[str, str]]] = {}
        self._focused = ""
        self._is_busy = False
        self._note = ""
        self._undoable = (False, False)

    def compose(self) -> ComposeResult:
        """The rows come with the first draft."""
        yield BrokenLecture()
        yield SettingRows()
        yield SettingHelp(_LOADING)
        yield Button("Start", variant="primary", compact=True, disabled=True)

    @property
    def _rows(self) -> SettingRows:
        return self.query_one(SettingRows)

    # What is shown

    def wait(self) -> None:
        """Take no edit and no start until the next `fill`."""
        self.draft = None
        self.query_one(Button).disabled = True

    def refuse(self, lecture: str, problem: str) -> None:
        """Show in the place of the settings why the lecture can't be used."""
        self.wait()
        self.border_subtitle = escape(lecture)
        self.query_one(BrokenLecture).show(problem)
        had_focus = self.has_focus_within
        self.add_class("-broken")
        if had_focus:
            self.query_one(BrokenLecture).focus()

    async def fill(self, draft: Draft, choices: Choices) -> None:
        """Show the settings of a lecture."""
        self.draft, self._choices = None, dict(choices)  # until its rows are there
        await self._rows.fill(draft, choices)
        if not is_drawable(self):  # the app was left meanwhile
            return
        self.border_subtitle = escape(draft.lecture.name)
        self.remove_class("-broken")
        self.draft, self._note = draft, ""
        self.check()

    def offer(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        """Offer other choices for a setting."""
        self._choices[name] = choices
        row = self._rows.row(name) if is_drawable(self) else None
        if self.draft is not None and row is not None:
            row.take(row.field, choices, row.text)

    def set_busy(self, busy: bool) -> None:
        """While something trains, nothing can be started."""
        self._is_busy = busy
        self.check()

    @property
    def can_start(self) -> bool:
        """Whether every setting is right and nothing trains."""
        return not self.query_one(Button).disabled

    def check(self) -> None:
        """Mark what was changed, say what is wrong, allow Start when nothing is."""
        draft = self.draft
        if draft is None or not is_drawable(self):
            return
        problems = draft.problems()
        self._rows.mark(draft, problems)
        runs = 0 if problems else len(draft.runs())
        button = self.query_one(Button)
        button.disabled = bool(problems) or self._is_busy
        button.label = (
            "A run is under way" if self._is_busy else f"Start {runs} runs" if runs > 1 else "Start"
        )
        self._explain(problems.get("", ""))
        undoable = (draft.can_undo, draft.can_redo)
        if undoable != self._undoable:
            self._undoable = undoable
            self.refresh_bindings()

    def _explain(self, problem: str) -> None:
        """A problem of no field in particular, a note, or what the focused setting means."""
        if self.draft is not None:
            row = self._rows.row(self._focused)
            text = explanation(self.draft, self._focused, row.cut if row else "")
            self.query_one(SettingHelp).say(problem or self._note or text, wrong=bool(problem))

    # Edits

    def on_setting_changed(self, message: SettingChanged) -> None:
        """Take a change in, and look whether all is right."""
        message.stop()
        if self.draft is not None:
            self._note = ""
            row = self._rows.row(message.name)
            # More may have been typed since the message was sent: that isn't to be undone.
            self.draft.change(message.name, row.text if row else message.text)
            self.check()

    def on_setting_reset(self, message: SettingReset) -> None:
        """Set a field to its default."""
        message.stop()
        if self.draft is not None:
            self.draft.reset(message.name)
            self.check()

    def action_reset_all(self) -> None:
        """Set every field to its default."""
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
        """Say what an undo or redo changed, and scroll to it."""
        assert self.draft is not None
        fields = self.draft.fields
        told = [f"{fields[name].label} {self.draft.text(name) or 'empty'}" for name in names]
        self._note = f"{what}: {', '.join(told)}." if told else f"Nothing is {what.lower()}."
        self.check()
        row = self._rows.row(names[0]) if len(names) == 1 else None
        if row is not None:
            row.scroll_visible(animate=False)

    # The focus

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show only those keys that do something now."""
        if action in ("leave_field", "leave_choice"):
            kind = Input if action == "leave_field" else Choice  # which takes no digits and letters
            return isinstance(self.screen.focused, kind)
        if action == "edit":
            return self.has_focus
        if action in ("undo", "redo"):
            return self._undoable[action == "redo"]
        return True

    def on_setting_focused(self, message: SettingFocused) -> None:
        """Explain the setting that has the focus."""
        message.stop()
        is_other, self._focused = message.name != self._focused, message.name
        if self.draft is None:
            return
        if is_other:
            self.draft.end_edit()
            self._note = ""
        self._explain(self.draft.problems().get("", ""))

    def on_setting_entered(self, message: SettingEntered) -> None:
        """Go on to the next field when the value is right."""
        message.stop()
        row, below = self._rows.row(message.name), self._rows.beside(message.name, 1)
        if self.draft is None or row is None or row.problem:
            return
        self.draft.end_edit()
        if below is not None:
            below.focus_field()
        else:
            self.action_leave_field()

    def action_leave_field(self) -> None:
        """Give the focus to the form itself."""
        self.can_focus = True
        self.focus(scroll_visible=False)

    def action_leave_choice(self) -> None:
        """The same, which the footer needn't say: keys are keys there."""
        self.action_leave_field()

    def on_focus(self) -> None:
        """Mark the field that was left."""
        self._mark_left(on=True)

    def on_blur(self) -> None:
        """Go back to what can have the focus; the terminal's own blur is none."""
        self._mark_left(on=False)
        self.can_focus = not self.app.app_focus

    def _mark_left(self, *, on: bool) -> None:
        row = self._rows.row(self._focused)
        if row is not None:
            row.mark_left(on=on)

    def action_edit(self) -> None:
        """Back into the field that was left."""
        self.action_move(0)

    def action_move(self, by: int) -> None:
        """The next field, or the one before: beside the one that was left, if one was."""
        if not self.has_focus:
            self.app.action_focus_next() if by > 0 else self.app.action_focus_previous()
            return
        row = self._rows.beside(self._focused, by) or self._rows.beside(self._focused, 0)
        if row is not None:
            row.focus_field()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Ask for training to begin."""
        event.stop()
        self.post_message(StartRequested())
