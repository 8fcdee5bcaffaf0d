"""A row of the form: a setting's name, its value, and the problem with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import DescendantFocus
from textual.widgets import Input, Static

from models.fields import Field
from tui_app.app.messages import (
    OwnDataRequested,
    SettingChanged,
    SettingEntered,
    SettingFocused,
    SettingReset,
)
from tui_app.app.own_data.data_choices import PICKS
from tui_app.app.widgets.choice_field import ChoiceField
from tui_app.app.widgets.drawable import while_drawable
from tui_app.app.widgets.text_field import TextField
from tui_app.text.escaping import printable

#: The choice that turns a list into an input, for several values.
SEVERAL = "several, one run each"

#: The widths of a name, and of the mark before it.
_NAME, _MARK = 18, 2


class SettingRow(Horizontal):
    """A list for a choice, else an input; changed values are marked.

    Few widgets, and no CSS rule that matches by ancestors: a form has thirty rows, and Textual
    matches the rules of all of them whenever the focus moves to another pane.
    """

    DEFAULT_CSS = f"""
    SettingRow {{ height: 1; }}
    SettingRow > .name {{
        width: {_NAME}; padding-right: 1; color: $text-muted;
        text-wrap: nowrap; text-overflow: ellipsis;
    }}
    SettingRow > .name.-changed {{ color: $text; text-style: bold; }}
    SettingRow > .name.-useless {{ color: $text-disabled; }}
    SettingRow > .name.-left {{ text-style: reverse; }}
    SettingRow > TextField {{ width: 1fr; background: $boost; }}
    SettingRow > TextField.-wrong {{ background: $error-muted; }}
    SettingRow > ChoiceField {{ width: 1fr; }}
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f9", "reset", "Reset"),
    ]

    def __init__(self, field: Field, choices: Sequence[tuple[str, str]], text: str) -> None:
        super().__init__()
        self.field = field
        self._choices = list(choices)
        self._text = text
        self._shown: tuple[bool, bool, str] | None = None
        self._problem: Static | None = None

    def compose(self) -> ComposeResult:
        """Create the name, and a list or an input."""
        yield Static(self._label(changed=False), classes="name", markup=False)
        if self._choices:
            yield ChoiceField(self._values, self._text, self._actions)
        if not self._is_choice(self._text):
            yield TextField(self._text)
            for choice in self.query(ChoiceField):
                choice.display = False

    def can_show(self, field: Field, choices: Sequence[tuple[str, str]]) -> bool:
        """Whether this row can show a field: both are choices, or neither is."""
        return field.name == self.field.name and bool(choices) == bool(self._choices)

    def reuse(self, field: Field, choices: Sequence[tuple[str, str]], text: str) -> None:
        """Show the same setting of another lecture, or with other choices."""
        self.field, self._choices = field, list(choices)
        for choice in self.query(ChoiceField):
            choice.show(self._values, text, self._actions)
        self._show_text(text)

    def drop_problem(self) -> None:
        """Forget the line with the problem, which was removed."""
        self._shown = self._problem = None

    def show(self, text: str, *, changed: bool, useless: bool, problem: str) -> None:
        """Show the setting's state; leave a text alone that is being typed."""
        if text != self._text:
            self._show_text(text)
        if (changed, useless, problem) == self._shown:
            return
        self._shown = (changed, useless, problem)
        name = self.query_one(".name", Static)
        name.update(self._label(changed=changed))
        name.set_class(changed, "-changed")
        name.set_class(useless, "-useless")
        for field in self.query(TextField):
            field.set_class(bool(problem), "-wrong")
        self._show_problem(problem)

    @while_drawable
    def focus_field(self) -> None:
        """Focus the field."""
        if self._field is not None:
            self._field.focus()

    def mark_name(self, *, on: bool) -> None:
        """Mark the name while the form itself has the focus and this field had it last."""
        self.query_one(".name", Static).set_class(on, "-left")

    @property
    def problem(self) -> str:
        """The problem with the value, as shown below it; empty without one."""
        return self._shown[2] if self._shown else ""

    @property
    def is_changed(self) -> bool:
        """Whether the value is marked as changed."""
        return bool(self._shown and self._shown[0])

    @property
    def is_useless(self) -> bool:
        """Whether the other settings leave this one unused."""
        return bool(self._shown and self._shown[1])

    @property
    def text(self) -> str:
        """The text in the field."""
        return self._text

    @property
    def cut_text(self) -> str:
        """Name and value in full if one of them doesn't fit, else empty."""
        field = self._field
        if field is None:
            return ""
        value = field.label if isinstance(field, ChoiceField) else self._text
        fits = cell_len(self.field.label) < _NAME - _MARK and field.fits
        return "" if fits else f"{self.field.label}: {value}"

    def on_resize(self) -> None:
        """Have the focused setting explained again: its value may fit now, or no longer."""
        if self.has_focus_within:
            self.call_after_refresh(self.post_message, SettingFocused(self.field.name))

    def action_reset(self) -> None:
        """Reset the setting to its default."""
        self.post_message(SettingReset(self.field.name))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Post the typed text."""
        event.stop()
        if event.input.display:
            self._change(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Post that Enter was pressed."""
        event.stop()
        self.post_message(SettingEntered(self.field.name))

    def on_choice_field_changed(self, message: ChoiceField.Changed) -> None:
        """Post the choice; open a dialog or the input if that was chosen."""
        message.stop()
        if message.value in PICKS:
            self.post_message(OwnDataRequested(PICKS[message.value]))
        elif message.value == SEVERAL:
            self._show_text(f"{self._text},")
            self.call_after_refresh(self.focus_field)
        else:
            self._change(message.value)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Post that this setting has the focus."""
        self.post_message(SettingFocused(self.field.name))

    def _change(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self.post_message(SettingChanged(self.field.name, text))

    def _show_text(self, text: str) -> None:
        """Show a text: in the list if it is a choice, else in the input."""
        self._text = text
        field, is_choice = self._field, self._is_choice(text)
        had_focus = field is not None and field.has_focus
        for choice in self.query(ChoiceField):
            choice.display = is_choice
            choice.show(self._values, text, self._actions)
        if not is_choice and not self.query(TextField):
            self.mount(TextField(text))
        for field in self.query(TextField):
            field.display = not is_choice
            with field.prevent(Input.Changed):
                field.value = text
        if had_focus:
            self.call_after_refresh(self.focus_field)

    def _show_problem(self, problem: str) -> None:
        """Show the problem in a line below the row, created when it is first needed."""
        if self._problem is None and problem:
            self._problem = Static(classes="problem", markup=False)
            assert self.parent is not None
            self.parent.mount(self._problem, after=self)  # pyright: ignore[reportAttributeAccessIssue]
        if self._problem is not None:
            self._problem.update("\n".join(map(printable, problem.splitlines())))
            self._problem.display = bool(problem)

    @property
    def _field(self) -> ChoiceField | TextField | None:
        """The visible one of list and input. None while Textual removes the row, since it hides
        the row's parts first.
        """
        fields = (*self.query(TextField), *self.query(ChoiceField))
        return next((field for field in fields if field.display), None)

    def _label(self, *, changed: bool) -> str:
        return f"{'●' if changed else ' '} {self.field.label}"

    def _is_choice(self, text: str) -> bool:
        return any(text == value for _, value in self._values)

    @property
    def _values(self) -> list[tuple[str, str]]:
        return [choice for choice in self._choices if choice[1] not in PICKS]

    @property
    def _actions(self) -> list[tuple[str, str]]:
        picks = [choice for choice in self._choices if choice[1] in PICKS]
        several = "type it: several, csv:FILE, folder:DIR" if picks else SEVERAL
        return [*picks, (several, SEVERAL)]
