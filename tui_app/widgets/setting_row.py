"""One setting in the form: its name, what it is set to, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import DescendantFocus
from textual.widgets import Input, Static

from models.fields import Field
from tui_app.messages import SettingChanged, SettingFocused, SettingReset
from tui_app.widgets.choice import Choice
from tui_app.widgets.drawable import while_drawable

#: The choice that turns a list into an input for several values.
SEVERAL = "several, one run each"


class SettingRow(Horizontal):
    """A list for choices, an input for the rest; changed values are marked.

    Few widgets and no rule that reaches into them: a form has thirty rows, and Textual looks at
    all of them whenever the focus goes from one pane to another.
    """

    DEFAULT_CSS = """
    SettingRow { height: 1; }
    SettingRow > .name { width: 18; color: $text-muted; }
    SettingRow > .name.-changed { color: $text; text-style: bold; }
    SettingRow > .name.-useless { color: $text-disabled; }
    SettingRow > Input { width: 1fr; background: $boost; }
    SettingRow > Input.-wrong { background: $error-muted; }
    SettingRow > Choice { width: 1fr; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+z,f9", "reset", "Set back"),
    ]

    def __init__(self, field: Field, choices: Sequence[tuple[str, str]], text: str) -> None:
        super().__init__()
        self.field = field
        self._choices = list(choices)
        self._text = text
        self._shown: tuple[bool, bool, str] | None = None
        self._problem: Static | None = None

    def compose(self) -> ComposeResult:
        """The name, and a list or an input."""
        yield Static(self._label(changed=False), classes="name", markup=False)
        if self._choices:
            yield Choice(self._offered(), self._text)
        if not self._is_choice(self._text):
            yield self._input(self._text)
            for choice in self.query(Choice):
                choice.display = False

    def can_show(self, field: Field, choices: Sequence[tuple[str, str]]) -> bool:
        """Whether this row has the parts for a field: both are choices, or neither is."""
        return field.name == self.field.name and bool(choices) == bool(self._choices)

    def take(self, field: Field, choices: Sequence[tuple[str, str]], text: str) -> None:
        """Be the row of the same setting in another lecture, or with other choices."""
        self.field, self._choices = field, list(choices)
        for choice in self.query(Choice):
            choice.show(self._offered(), text)
        self._put(text)

    def forget_problem(self) -> None:
        """The line below was taken away: the next problem makes another."""
        self._shown = self._problem = None

    def show(self, text: str, *, changed: bool, useless: bool, problem: str) -> None:
        """Show the setting as it stands; a text that is being typed is left alone."""
        if text != self._text:
            self._put(text)
        if (changed, useless, problem) == self._shown:
            return
        self._shown = (changed, useless, problem)
        name = self.query_one(".name", Static)
        name.update(self._label(changed=changed))
        name.set_class(changed, "-changed")
        name.set_class(useless, "-useless")
        for field in self.query(Input):
            field.set_class(bool(problem), "-wrong")
        self._tell(problem)

    @while_drawable
    def focus_field(self) -> None:
        """Put the focus into the field."""
        self._field.focus()

    @property
    def problem(self) -> str:
        """What is wrong with the value, as it is told below it."""
        return self._shown[2] if self._shown else ""

    @property
    def is_changed(self) -> bool:
        """Whether the value is marked as changed."""
        return bool(self._shown and self._shown[0])

    @property
    def is_useless(self) -> bool:
        """Whether the value means nothing beside the others."""
        return bool(self._shown and self._shown[1])

    @property
    def text(self) -> str:
        """What stands in the field."""
        return self._text

    def action_reset(self) -> None:
        """Set it back."""
        self.post_message(SettingReset(self.field.name))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Pass on what was typed."""
        event.stop()
        if event.input.display:
            self._say(event.value)

    def on_choice_changed(self, message: Choice.Changed) -> None:
        """Pass on what was chosen; several values are typed."""
        message.stop()
        if message.value == SEVERAL:
            self._put(f"{self._text},")
            self.call_after_refresh(self.focus_field)
        else:
            self._say(message.value)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Say that this is the setting that is looked at."""
        self.post_message(SettingFocused(self.field.name))

    def _say(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self.post_message(SettingChanged(self.field.name, text))

    def _put(self, text: str) -> None:
        """Put a text where it belongs: into the list if it is in there, else into the input."""
        self._text = text
        had_focus, is_choice = self._field.has_focus, self._is_choice(text)
        for choice in self.query(Choice):
            choice.display = is_choice
            choice.show(self._offered(), text)
        if not is_choice and not self.query(Input):
            self.mount(self._input(text))
        for field in self.query(Input):
            field.display = not is_choice
            with field.prevent(Input.Changed):
                field.value = text
        if had_focus:
            self.call_after_refresh(self.focus_field)

    def _tell(self, problem: str) -> None:
        """What is wrong, in a line below the row, which is there only when it is needed."""
        if self._problem is None and problem:
            self._problem = Static(classes="problem", markup=False)
            assert self.parent is not None
            self.parent.mount(self._problem, after=self)  # pyright: ignore[reportAttributeAccessIssue]
        if self._problem is not None:
            self._problem.update(problem)
            self._problem.display = bool(problem)

    @property
    def _field(self) -> Choice | Input:
        """What is seen of the two."""
        return next(field for field in (*self.query(Input), *self.query(Choice)) if field.display)

    def _label(self, *, changed: bool) -> str:
        return f"{'●' if changed else ' '} {self.field.name.replace('_', ' ')}"

    def _is_choice(self, text: str) -> bool:
        return any(text == value for _, value in self._choices)

    def _offered(self) -> list[tuple[str, str]]:
        return [*self._choices, (SEVERAL, SEVERAL)]

    def _input(self, text: str) -> Input:
        return Input(text, compact=True, select_on_focus=True)
