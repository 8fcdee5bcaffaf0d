"""A field for one of a few values: Enter opens the list, left and right step through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from tui_app.app.app_interface import AppInterface
from tui_app.text.cells import cut

#: Labels and values.
Choices = Sequence[tuple[str, str]]


class ChoiceField(Widget, can_focus=True):
    """One widget, where Textual's Select is seven: a form has many of these."""

    app: AppInterface

    DEFAULT_CSS = """
    ChoiceField {
        height: 1;
        background: $boost;
        &:focus { background: $block-cursor-background; color: $block-cursor-foreground; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Choose"),
        Binding("left", "step(-1)", "Previous", show=False),
        Binding("right", "step(1)", "Next", show=False),
    ]

    @dataclass
    class Changed(Message):
        """The user chose `value`: one of the choices, or of the actions."""

        choice: ChoiceField
        value: str

    def __init__(self, choices: Choices, value: str, actions: Choices = (), **options: Any) -> None:
        super().__init__(**options)
        self.choices = list(choices)
        self.actions = list(actions)
        self.value = value

    def show(self, choices: Choices, value: str, actions: Choices) -> None:
        """Offer these choices, as (label, value), with `value` chosen. The list shows `actions`
        below them, which are posted and leave the value as it is.
        """
        if (list(choices), value, list(actions)) != (self.choices, self.value, self.actions):
            self.choices, self.value, self.actions = list(choices), value, list(actions)
            self.refresh()

    def render(self) -> Text:
        """Draw the chosen label, and a sign that there are more."""
        text = cut(Text(self.label, no_wrap=True), self._width)
        return text.append(" " * (self._width - text.cell_len)).append(" ▾")

    @property
    def label(self) -> str:
        """The label of the chosen value."""
        return next((label for label, value in self.choices if value == self.value), self.value)

    @property
    def fits(self) -> bool:
        """Whether the whole label is visible."""
        return cell_len(self.label) <= self._width

    @property
    def _width(self) -> int:
        return max(1, self.size.width - 2)

    def choose(self, value: str) -> None:
        """Choose a value, and post it."""
        is_action = any(value == action for _, action in self.actions)
        if is_action:
            self.post_message(self.Changed(self, value))
        elif value != self.value:
            self.value = value
            self.refresh()
            self.post_message(self.Changed(self, value))

    def action_open(self) -> None:
        """Show all choices."""

        def chosen(value: str | None) -> None:
            if value is not None:
                self.choose(value)

        self.app.choose_from_list([*self.choices, *self.actions], self.value, chosen)

    def action_step(self, by: int) -> None:
        """Choose the value before or after."""
        values = [value for _, value in self.choices]
        index = values.index(self.value) if self.value in values else 0
        self.choose(values[(index + by) % len(values)])

    def on_click(self) -> None:
        """Show all choices."""
        self.focus()
        self.action_open()
