"""Asks a question with a few answers to choose from."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Label, OptionList
from textual.widgets.option_list import Option

from tui_app.app.dialogs.dialog import Dialog


class ChoiceQuestion(Dialog):
    """Returns the key of the chosen answer, or None. `answers` are keys and sentences."""

    DEFAULT_CSS = """
    ChoiceQuestion {
        align: center middle;
        & > Vertical {
            width: 70; max-width: 94%; height: auto; max-height: 90%;
            border: round $border; background: $surface; padding: 1 2;
        }
        & Label { width: 1fr; height: auto; margin-bottom: 1; }
        & OptionList, & OptionList:focus {
            height: auto; background: $surface; border: none; padding: 0;
        }
        & .keys { color: $text-muted; margin: 1 0 0 0; }
    }
    """

    def __init__(self, question: str, answers: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._question = question
        self._answers = answers

    def compose(self) -> ComposeResult:
        """The question, and its answers as a list."""
        with Vertical():
            yield Label(self._question, markup=False)
            yield OptionList(
                *(Option(f"{key}  {sentence}", id=key) for key, sentence in self._answers),
                markup=False,
            )
            yield Label("Enter or the letter: choose · Esc: cancel", classes="keys")

    def on_key(self, event) -> None:
        """The letter of an answer chooses it."""
        if event.character in dict(self._answers):
            event.stop()
            self.dismiss(event.character)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Return the answer."""
        self.dismiss(event.option_id)
