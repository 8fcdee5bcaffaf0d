"""The advice for the run that is shown, in one line; the log has all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text
from textual.widgets import Static

from models.fields import setting_text
from tui_app.runs.events import Advised
from tui_app.text.escaping import printable


def words_of(advice: Advised) -> str:
    """The settings that are advised: `lr 0.02, momentum 0.9`."""
    pairs = advice.settings.items()
    words = (f"{name.replace('_', ' ')} {setting_text(value)}" for name, value in pairs)
    return ", ".join(map(printable, words))


def current(advice: Sequence[Advised]) -> Advised | None:
    """The advice to show of all that a run was given: the newest that names settings, else the
    newest. The key that applies advice applies this one.
    """
    with_settings = [each for each in advice if each.settings]
    return next(iter([*with_settings[-1:], *advice[-1:]]), None)


class AdviceLine(Static):
    """What goes wrong, and the key that applies what is advised."""

    DEFAULT_CSS = """
    AdviceLine {
        height: 1;
        background: $warning 20%;
        color: $text;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, **options)
        self._shown: Advised | None = None

    def show(self, advice: Advised | None) -> None:
        """Show this advice; None clears the line."""
        if advice is self._shown:
            return
        self._shown = advice
        self.update("" if advice is None else _line(advice))


def _line(advice: Advised) -> Text:
    text = Text(f"! {printable(advice.name)}: ", "bold")
    if advice.settings:
        text.append(f"d sets {words_of(advice)}. ")
    return text.append(printable(advice.text), "not bold")
