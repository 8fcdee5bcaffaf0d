"""The interface of a run that this program starts: in a thread, or in a process of its own."""

from __future__ import annotations

from typing import Protocol

from tui_app.monitoring.monitored_run import MonitoredRun
from tui_app.training.steering.control import Control, Steering


class QueuedRun(MonitoredRun, Protocol):
    """A monitored run to start when its turn comes. A `history` that `poll` replaces by another
    object is read from the run folder from then on.
    """

    @property
    def title(self) -> str:
        """The settings in which it differs from the others of its queue, or its lecture."""
        ...

    @property
    def control(self) -> Steering:
        """Controls it."""
        ...

    @property
    def loop_control(self) -> Control | None:
        """Its `control` if a thread of this program trains it: the model can be inspected between
        two steps of the loop.
        """
        ...

    @property
    def is_alive(self) -> bool:
        """Whether it prepares, trains or saves."""
        ...

    def start(self) -> None:
        """Start it. This raises nothing: what goes wrong is its `failure`."""
        ...

    def join(self, seconds: float) -> bool:
        """Wait until it has ended, at most so long; return whether it has."""
        ...
