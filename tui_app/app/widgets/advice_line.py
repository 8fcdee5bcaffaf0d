"""Shows the advice for a run in one line; the log has all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text
from textual.widgets import Static

from models.fields import setting_text
from tui_app.runs.events import Advised
from tui_app.text.escaping import printable


def settings_text(advice: Advised) -> str:
    """The advised settings as text: `lr 0.02, momentum 0.9`."""
    pairs = advice.settings.items()
    words = (f"{name.replace('_', ' ')} {setting_text(value)}" for name, value in pairs)
    return ", ".join(map(printable, words))


def advice_to_show(advice: Sequence[Advised]) -> Advised | None:
    """The advice to show: the newest that names settings, else the newest. The key that applies
    advice applies this one.
    """
    with_settings = [each for each in advice if each.settings]
    return next(iter([*with_settings[-1:], *advice[-1:]]), None)


class AdviceLine(Static):
    """What is wrong with the run, and the key that applies the advised settings."""

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
        text.append(f"d sets {settings_text(advice)}. ")
    return text.append(printable(advice.text), "not bold")
