"""Lets the user pick a value from a list."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui_app.app.dialogs.dialog import Dialog


class PickFromList(Dialog):
    """Returns the picked value, or None. `choices` are labels and values."""

    DEFAULT_CSS = """
    PickFromList {
        align: center middle;
        & > OptionList, & > OptionList:focus {
            width: auto; min-width: 30; max-width: 90%; height: auto; max-height: 80%;
            border: round $border; background: $surface; padding: 0 1;
        }
    }
    """

    def __init__(self, choices: Sequence[tuple[str, str]], value: str) -> None:
        super().__init__()
        self._choices = list(choices)
        self._value = value

    def compose(self) -> ComposeResult:
        """The list."""
        choices = OptionList(*(Option(label, id=v) for label, v in self._choices), markup=False)
        choices.border_subtitle = "Enter: OK · Esc: cancel"
        yield choices

    def on_mount(self) -> None:
        """Put the cursor on the present value."""
        values = [value for _, value in self._choices]
        if self._value in values:
            self.query_one(OptionList).highlighted = values.index(self._value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Return the value."""
        self.dismiss(event.option_id)
