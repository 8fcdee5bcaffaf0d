"""The keys of all dialogs: Escape cancels, F1 shows help, Ctrl-Q quits the app."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen


class Dialog(ModalScreen[str | None]):
    """A screen above another one. Returns an answer, or None when it is cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back"),
        Binding("f1", "app.help_here", "Help", show=False),
        Binding("ctrl+q,ctrl+c", "app.quit", "Quit", show=False),
    ]

    def action_leave(self) -> None:
        """Cancel."""
        self.dismiss(None)
