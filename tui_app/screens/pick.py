"""A list to choose one from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option


class Pick(ModalScreen[str | None]):
    """Gives the value that was chosen, or None. `choices` are labels and values."""

    DEFAULT_CSS = """
    Pick {
        align: center middle;
        & > OptionList, & > OptionList:focus {
            width: auto; min-width: 30; max-width: 90%; height: auto; max-height: 80%;
            border: round $border; background: $surface; padding: 0 1;
        }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back")]

    def __init__(self, choices: Sequence[tuple[str, str]], value: str) -> None:
        super().__init__()
        self._choices = list(choices)
        self._value = value

    def compose(self) -> ComposeResult:
        """The list."""
        yield OptionList(*(Option(label, id=value) for label, value in self._choices), markup=False)

    def on_mount(self) -> None:
        """Begin at what is chosen."""
        values = [value for _, value in self._choices]
        if self._value in values:
            self.query_one(OptionList).highlighted = values.index(self._value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take it."""
        self.dismiss(event.option_id)

    def action_leave(self) -> None:
        """Take none."""
        self.dismiss(None)
