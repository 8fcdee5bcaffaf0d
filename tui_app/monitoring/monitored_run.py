"""The interface through which screens monitor a run, wherever it trains."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from tui_app.monitoring.failures import Failure
from tui_app.monitoring.history import History
from tui_app.training.steering.control import Steering


class MonitoredRun(Protocol):
    """A run that a screen shows: of a thread of this program, or of another program's folder."""

    @property
    def name(self) -> str:
        """`<lecture>/<time>`, or its settings until it has a folder."""
        ...

    @property
    def folder(self) -> Path | None:
        """Its run folder, once it has one."""
        ...

    @property
    def history(self) -> History:
        """Its events, as of the last `poll`."""
        ...

    @property
    def control(self) -> Steering | None:
        """Controls it; None for a run that can only be watched."""
        ...

    @property
    def stage(self) -> str:
        """What it does before it trains, in words; empty once it trains."""
        ...

    @property
    def stuck_at(self) -> str:
        """`still inside ...` and where, while a step doesn't return; else empty."""
        ...

    @property
    def failure(self) -> Failure | None:
        """Why it couldn't be prepared, or failed."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether no more events will come."""
        ...

    def poll(self) -> bool:
        """Add the events since the last call to the history; return whether there were any."""
        ...
