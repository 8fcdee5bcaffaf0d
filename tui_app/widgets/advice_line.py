"""The newest advice for a run, in one line; the log has all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text
from textual.widgets import Static

from tui_app.training.events import Advised
from tui_app.training.narrate import printable


def words_of(advice: Advised) -> str:
    """The settings that are advised: `lr 0.02, momentum 0.9`."""
    pairs = advice.settings.items()
    return ", ".join(printable(f"{name.replace('_', ' ')} {value}") for name, value in pairs)


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
        self._shown = 0

    def show(self, advice: Sequence[Advised]) -> None:
        """Show the last of these."""
        if len(advice) == self._shown or not advice:
            return
        self._shown, newest = len(advice), advice[-1]
        text = Text(f"! {newest.name}: ", "bold")
        if newest.settings:
            text.append(f"d sets {words_of(newest)}. ")
        text.append(printable(newest.text), "not bold")
        self.update(text)
