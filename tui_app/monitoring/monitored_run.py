"""The one interface through which screens know a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tui_app.monitoring.history import History
from tui_app.training.control import Steering


@dataclass(frozen=True)
class Failure:
    """Why a run could not be made, or broke off: what happened, and the traceback for the log,
    which is empty where the sentence says it all.
    """

    sentence: str
    traceback: str
    exit_code: int


class MonitoredRun(Protocol):
    """A run that is watched: a thread of this program, or the folder of another one's."""

    @property
    def name(self) -> str:
        """What the run is called: `<lecture>/<time>`, or its lecture until it has a folder."""
        ...

    @property
    def folder(self) -> Path | None:
        """Its run folder, as soon as it has one."""
        ...

    @property
    def history(self) -> History:
        """What it has come to, as of the last `poll`."""
        ...

    @property
    def control(self) -> Steering | None:
        """How it is steered; None for a run that can only be watched."""
        ...

    @property
    def stage(self) -> str:
        """What it does before it trains, in a sentence; empty once it does."""
        ...

    @property
    def silence(self) -> str:
        """`still inside ...`, and where, while a step doesn't come back; else empty."""
        ...

    @property
    def failure(self) -> Failure | None:
        """Why it could not be made, or broke off."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        ...

    def poll(self) -> bool:
        """Take in what has happened since the last call: whether there was anything."""
        ...
