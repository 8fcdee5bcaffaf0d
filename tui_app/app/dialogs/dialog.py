"""What all dialogs share: Escape cancels, F1 helps, and the app can be left."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen


class Dialog(ModalScreen[str | None]):
    """A question over the screen. Gives the answer, or None when it is cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back"),
        Binding("f1", "app.help_here", "Help", show=False),
        Binding("ctrl+q,ctrl+c", "app.quit", "Quit", show=False),
    ]

    def action_leave(self) -> None:
        """Give no answer."""
        self.dismiss(None)
