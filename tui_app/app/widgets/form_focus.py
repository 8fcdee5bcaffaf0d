"""Moves the focus between the fields of the form, and out of them so that letters are keys."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from tui_app.app.widgets.choice_field import ChoiceField
from tui_app.app.widgets.setting_rows import SettingRows


class FormFocus(Vertical):
    """Escape leaves a field: then the form itself has the focus, and digits and letters are keys
    again. Tab skips the form itself.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave_field", "Leave field", key_display="esc"),
        Binding("escape", "leave_choice", "Leave field", show=False),
        Binding("enter", "edit", "Edit"),
        Binding("down", "move(1)", "Next", show=False),
        Binding("up", "move(-1)", "Previous", show=False),
    ]

    _last_focused = ""  # the setting whose field has or last had the focus

    @property
    def _rows(self) -> SettingRows:
        return self.query_one(SettingRows)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show only the keys that do something now."""
        if action in ("leave_field", "leave_choice"):
            # A list takes no digits and letters: its key to leave it isn't shown.
            kind = Input if action == "leave_field" else ChoiceField
            return isinstance(self.screen.focused, kind)
        if action == "edit":
            return self.has_focus
        return True

    def action_leave_field(self) -> None:
        """Focus the form itself."""
        self.can_focus = True
        self.focus(scroll_visible=False)

    def action_leave_choice(self) -> None:
        """Focus the form itself; not in the key bar, since letters are keys in a list anyway."""
        self.action_leave_field()

    def on_focus(self) -> None:
        """Mark the setting whose field was left."""
        self._mark_name(on=True)

    def on_blur(self) -> None:
        """Take the form out of the tab order again, unless only the terminal lost the focus."""
        self._mark_name(on=False)
        self.can_focus = not self.app.app_focus

    def _mark_name(self, *, on: bool) -> None:
        row = self._rows.row(self._last_focused)
        if row is not None:
            row.mark_name(on=on)

    def action_edit(self) -> None:
        """Go back into the field that was left."""
        self.action_move(0)

    def action_move(self, by: int) -> None:
        """Go to the next field or the one before, counted from the field that was left."""
        if not self.has_focus:
            self.app.action_focus_next() if by > 0 else self.app.action_focus_previous()
            return
        row = self._rows.neighbour(self._last_focused, by) or self._rows.neighbour(
            self._last_focused, 0
        )
        if row is not None:
            row.focus_field()
