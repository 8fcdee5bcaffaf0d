"""One setting in the form: its name, what it is set to, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus
from textual.widgets import Input, Label, Select, Static

from models.fields import Field
from tui_app.messages import SettingChanged, SettingFocused, SettingReset

#: The choice that turns a select into an input for several values.
_SEVERAL = "several, one run each"


class Choices(Select[str], inherit_bindings=False):
    """A select that leaves the arrow keys to the form, until it is opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "show_overlay", "Choose", key_display="enter")
    ]


class SettingRow(Vertical):
    """A select for choices, an input for the rest; changed values are marked."""

    DEFAULT_CSS = """
    SettingRow {
        height: auto;
        & > Horizontal { height: 1; }
        & .mark { width: 2; color: $text-warning; }
        & .name { width: 16; color: $text-muted; }
        & Input, & Select { width: 1fr; }
        & Input { background: $boost; }
        & SelectCurrent { background: $boost; padding: 0 1; }
        & Select > SelectOverlay { width: auto; min-width: 100%; max-width: 60; }
        & Input { padding: 0 1; }
        & .problem { display: none; height: auto; padding-left: 2; color: $text-error; }
        &.-changed .name { color: $text; text-style: bold; }
        &.-wrong .problem { display: block; }
        &.-wrong Input { background: $error-muted; }
        &.-useless .name { color: $text-disabled; text-style: none; }
        &.-useless Input, &.-useless Select { opacity: 50%; }
        &:focus-within .name { color: $text; }
        &.-choice Input { display: none; }
        & Choices { display: none; }
        &.-choice Choices { display: block; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+z,f9", "reset", "Set back"),
    ]

    def __init__(self, field: Field, choices: Sequence[tuple[str, str]], text: str) -> None:
        super().__init__()
        self.field = field
        self._choices = list(choices)
        self._text = text

    def compose(self) -> ComposeResult:
        """The parts, side by side, and a line below for what is wrong.

        A choice has an input too, for several values; one of the two is seen.
        """
        is_choice = self._is_choice(self._text)
        self.set_class(is_choice, "-choice")
        with Horizontal():
            yield Label("", classes="mark")
            yield Label(self.field.name.replace("_", " "), classes="name", markup=False)
            if self._choices:
                value = self._text if is_choice else self._choices[0][1]
                yield Choices(self._offered(), value=value, allow_blank=False, compact=True)
            yield Input(self._text, compact=True, select_on_focus=True)
        yield Static(classes="problem", markup=False)

    def can_show(self, field: Field, choices: Sequence[tuple[str, str]]) -> bool:
        """Whether this row has the parts for a field: both are choices, or neither is."""
        return field.name == self.field.name and bool(choices) == bool(self._choices)

    def take(self, field: Field, choices: Sequence[tuple[str, str]], text: str) -> None:
        """Be the row of the same setting in another lecture."""
        self.field = field
        if list(choices) != self._choices:
            self._choices = list(choices)
            select = self.query_one(Choices)
            with select.prevent(Select.Changed):
                select.set_options(self._offered())
        self._put(text)

    def show(self, text: str, *, changed: bool, useless: bool, problem: str) -> None:
        """Show the setting as it stands; a text that is being typed is left alone."""
        self.set_class(changed, "-changed")
        self.set_class(useless, "-useless")
        self.set_class(bool(problem), "-wrong")
        self.query_one(".mark", Label).update("●" if changed else "")
        self.query_one(".problem", Static).update(problem)
        if text != self._text:
            self._put(text)

    def offer(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer these choices, as (label, value), from now on."""
        self.take(self.field, choices, self._text)

    def focus_field(self) -> None:
        """Put the focus into the field."""
        self._field.focus()

    @property
    def _field(self) -> Choices | Input:
        """What is seen of the two."""
        return self.query_one(Choices if self.has_class("-choice") else Input)

    def action_reset(self) -> None:
        """Set it back."""
        self.post_message(SettingReset(self.field.name))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Pass on what was typed."""
        event.stop()
        self._say(event.value)

    def on_select_changed(self, event: Select.Changed) -> None:
        """Pass on what was chosen; several values are typed."""
        event.stop()
        if event.value == _SEVERAL:
            self._put(f"{self._text},")
            self.call_after_refresh(self.query_one(Input).focus)
        elif isinstance(event.value, str):
            self._say(event.value)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Say that this is the setting that is looked at."""
        self.post_message(SettingFocused(self.field.name))

    def _say(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self.post_message(SettingChanged(self.field.name, text))

    def _put(self, text: str) -> None:
        self._text = text
        had_focus, is_choice = self._field.has_focus, self._is_choice(text)
        self.set_class(is_choice, "-choice")
        field = self._field
        with field.prevent(Input.Changed, Select.Changed):
            field.value = text
        if had_focus:
            field.focus()

    def _is_choice(self, text: str) -> bool:
        return any(text == value for _, value in self._choices)

    def _offered(self) -> list[tuple[str, str]]:
        return [*self._choices, (_SEVERAL, _SEVERAL)]
