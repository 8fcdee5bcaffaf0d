"""Declares what the actions on runs use of the screen that lists them."""

from __future__ import annotations

from textual.screen import Screen

from tui_app.app.app_interface import AppInterface
from tui_app.app.widgets.runs_list import RunsList


class RunTableScreen(Screen[None]):
    """A screen with a table of runs."""

    app: AppInterface

    @property
    def runs(self) -> RunsList:
        """The table."""
        raise NotImplementedError

    def read(self) -> None:
        """Read the run folders again."""
        raise NotImplementedError
