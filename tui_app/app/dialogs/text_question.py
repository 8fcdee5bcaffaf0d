"""Asks for a line of text."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Label, Static

from tui_app.app.dialogs.dialog import Dialog


class TextQuestion(Dialog):
    """Returns the text once `check` returns no problem with it, or None."""

    DEFAULT_CSS = """
    TextQuestion {
        align: center middle;
        & > Vertical {
            width: 60; max-width: 90%; height: auto;
            border: round $border; background: $surface; padding: 1 2;
        }
        & Input { margin: 1 0; background: $boost; padding: 0 1; }
        & .problem { color: $text-error; height: auto; }
        & .keys { color: $text-muted; }
    }
    """

    def __init__(
        self, question: str, text: str = "", check: Callable[[str], str] = lambda text: ""
    ) -> None:
        super().__init__()
        self._question = question
        self._text = text
        self._check = check

    def compose(self) -> ComposeResult:
        """The question, the answer, the problem with it, and the keys."""
        with Vertical():
            yield Label(self._question, markup=False)
            yield Input(self._text, compact=True, select_on_focus=True)
            yield Static(classes="problem", markup=False)
            yield Label("Enter: OK · Esc: cancel", classes="keys")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the problem while the user types."""
        self.query_one(".problem", Static).update(self._check(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return the text, if there is no problem."""
        if not self._check(event.value):
            self.dismiss(event.value)
