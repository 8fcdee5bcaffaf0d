"""Declares what the app and the command palette use of a screen, by protocol."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from tui_app.monitoring.model_source import ModelSource


@runtime_checkable
class LiveScreen(Protocol):
    """A screen that shows runs as they train."""

    def draw(self) -> None:
        """Read what is new, and show it."""


@runtime_checkable
class RecordedRunsScreen(LiveScreen, Protocol):
    """A screen that reads runs from their folders."""

    @property
    def is_watching(self) -> bool:
        """Whether a run on it may still grow."""
        raise NotImplementedError

    @property
    def is_reading(self) -> bool:
        """Whether a run's earlier lines are still being read."""
        raise NotImplementedError

    def read_more(self) -> None:
        """Read more of the runs without showing it."""


@runtime_checkable
class ModelScreen(Protocol):
    """A screen with a Model pane."""

    def model_source(self) -> ModelSource | None:
        """The model that the pane shows, or would show."""

    def open_view(self, name: str) -> None:
        """Show the view `name` of that model."""
