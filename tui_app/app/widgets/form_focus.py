"""Where the focus is in the form: in a field, or in the form itself, so that letters are keys."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from tui_app.app.widgets.choice_field import ChoiceField
from tui_app.app.widgets.setting_rows import SettingRows


class FormFocus(Vertical):
    """Escape leaves a field: the form itself then has the focus, so that digits and letters are
    keys again. It can't be reached otherwise, and tab goes from field to field.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave_field", "Leave field", key_display="esc"),
        Binding("escape", "leave_choice", "Leave field", show=False),
        Binding("enter", "edit", "Edit"),
        Binding("down", "move(1)", "Next", show=False),
        Binding("up", "move(-1)", "Previous", show=False),
    ]

    _focused = ""  # the setting whose field has the focus, or had it last

    @property
    def _rows(self) -> SettingRows:
        return self.query_one(SettingRows)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show only those keys that do something now."""
        if action in ("leave_field", "leave_choice"):
            kind = (
                Input if action == "leave_field" else ChoiceField
            )  # which takes no digits and letters
            return isinstance(self.screen.focused, kind)
        if action == "edit":
            return self.has_focus
        return True

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
