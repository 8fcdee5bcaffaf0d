"""Requests snapshots for a view of a run that trains; they take at most 5 % of its time."""

from __future__ import annotations

import time
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.text import Text

from tui_app.training.throttle import Throttle
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probe_runner import Snapshot
    from tui_app.training.steering.control import Control

#: The share of training's time that probes may take, and the least seconds between two of them. The
#: next probe may cost more than the last ones suggest: so less than 5 %.
_SHARE, _SECONDS = 0.04, 0.5


class LiveView:
    """Holds the newest snapshot for a view. `poll` is cheap; a hidden view isn't polled."""

    def __init__(self, view: View, control: Control) -> None:
        self.view = view
        self.snapshot: Snapshot | None = None
        self.problem = self.progress = ""
        self._control = control
        self._waiting: Future[Snapshot] | None = None
        self._query = self._requested_query = ""
        self._expected = 0.0
        self._throttle = Throttle(_SHARE, _SECONDS)
        self._is_drawn = False

    def set_query(self, text: str) -> None:
        """Pass this query to the next probe, at once."""
        self._query = text
        self._throttle.end_pause()

    @property
    def is_over(self) -> bool:
        """Whether the run has ended; its model is read from its folder now."""
        return self._waiting is not None and self._waiting.cancelled()

    @property
    def is_busy(self) -> bool:
        """Whether a requested probe hasn't finished."""
        return self._waiting is not None and not self._waiting.done()

    def cancel_probe(self) -> None:
        """Do nothing: a probe of a run that trains is short."""

    def poll(self) -> bool:
        """Receive a snapshot and request the next when due; return whether there is news."""
        if self.is_over or self.is_busy:
            return False
        news = self._waiting is not None and self._receive(self._waiting)
        is_due = self._throttle.is_due or self._query != self._requested_query
        if self._waiting is None and is_due:
            self._requested_query = self._query
            from tui_app.inspection.probe_runner import probing  # puts off torch

            self._waiting = self._control.request(probing(self.view.load_probe(), self._query))
        return news

    def lines(self, frame: Frame, *, zoomed: bool = False) -> list[Text]:
        """Draw the newest snapshot; the first drawing counts as time of the probe."""
        if self.snapshot is None:
            return []
        begun = time.monotonic()
        lines = self.view.lines(self.snapshot.found, frame, zoomed=zoomed)
        if not self._is_drawn:  # a redraw after a key must not delay the next probe
            self._throttle.lengthen_pause(time.monotonic() - begun)
            self._is_drawn = True
        return lines

    def _receive(self, result: Future[Snapshot]) -> bool:
        before, self._expected = self.snapshot.seconds if self.snapshot else 0.0, 0.0
        try:
            snapshot, self.problem = result.result(), ""
            # A probe that replays the run grows with it: the next one may cost as much more again.
            self._expected = max(snapshot.seconds, 2 * snapshot.seconds - before)
            if self.snapshot is not None:
                found = self.view.merge(self.snapshot.found, snapshot.found)
                snapshot = replace(snapshot, found=found)
            self.snapshot, self._is_drawn = snapshot, False
        except CancelledError:
            return False
        except Exception as error:  # noqa: BLE001  shown in the view's place
            self.snapshot, self.problem = None, f"{type(error).__name__}: {error}"
        self._waiting = None
        self._throttle.start_pause(self._expected)
        return True
