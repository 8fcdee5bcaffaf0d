"""A screen with a table of runs, as its acts see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

from tui_app.app.widgets.runs_list import RunsList

if TYPE_CHECKING:
    from tui_app.app.app import TutorchApp


class RunTableScreen(Screen[None]):
    """What the acts on runs need of the screen that lists them."""

    app: TutorchApp

    @property
    def runs(self) -> RunsList:
        """The table."""
        raise NotImplementedError

    def read(self) -> None:
        """Read the run folders again."""
        raise NotImplementedError
