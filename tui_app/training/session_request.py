"""A run that is to go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tui_app.runs.run_folder import RunFolder
    from tui_app.runs.run_source import Use
    from tui_app.training.control import Control
    from tui_app.training.session import OnProgress, Session


@dataclass(frozen=True)
class ResumeRequest:
    """Where the run is, and what of it is to be otherwise. `source` says which one it goes on with
    where the user's own file has changed since.
    """

    folder: RunFolder
    epochs: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    source: Use | None = None

    def session(self, control: Control, on_progress: OnProgress) -> Session:
        """Prepare it, in the thread that trains it."""
        from tui_app.training.session import Session

        return Session.take_up(
            self.folder,
            control,
            on_progress,
            epochs=self.epochs,
            source=self.source,
            **self.options,
        )
