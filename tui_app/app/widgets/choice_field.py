"""One of a few values, in a line: Enter opens the list, left and right go through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from tui_app.app.dialogs.pick_from_list import PickFromList
from tui_app.text.cells import cut

#: Labels and values.
Choices = Sequence[tuple[str, str]]


class ChoiceField(Widget, can_focus=True):
    """A single widget, where Textual's Select is seven: a form has many of them."""

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
        """`value` was chosen: one of the choices, or of the acts."""

        choice: ChoiceField
        value: str

    def __init__(self, choices: Choices, value: str, acts: Choices = (), **options: Any) -> None:
        super().__init__(**options)
        self.choices = list(choices)
        self.acts = list(acts)
        self.value = value

    def show(self, choices: Choices, value: str, acts: Choices) -> None:
        """Offer these choices, as (label, value), with that one chosen; and below them `acts`,
        which are no values, and change nothing by themselves.
        """
        if (list(choices), value, list(acts)) != (self.choices, self.value, self.acts):
            self.choices, self.value, self.acts = list(choices), value, list(acts)
            self.refresh()

    def render(self) -> Text:
        """The label of what is chosen, and a sign that there are more."""
        text = cut(Text(self.label, no_wrap=True), self._room)
        return text.append(" " * (self._room - text.cell_len)).append(" ▾")

    @property
    def label(self) -> str:
        """The words for what is chosen."""
        return next((label for label, value in self.choices if value == self.value), self.value)

    @property
    def fits(self) -> bool:
        """Whether all of the label can be seen."""
        return cell_len(self.label) <= self._room

    @property
    def _room(self) -> int:
        return max(1, self.size.width - 2)

    def choose(self, value: str) -> None:
        """Choose this one, and say so."""
        is_act = any(value == act for _, act in self.acts)
        if is_act:
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

        self.app.push_screen(PickFromList([*self.choices, *self.acts], self.value), chosen)

    def action_step(self, by: int) -> None:
        """The choice before or after."""
        values = [value for _, value in self.choices]
        place = values.index(self.value) if self.value in values else 0
        self.choose(values[(place + by) % len(values)])

    def on_click(self) -> None:
        """Show all choices."""
        self.focus()
        self.action_open()
