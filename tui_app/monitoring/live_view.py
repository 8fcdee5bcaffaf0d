"""A view of a run that trains: asks for snapshots, but never so often that training is slowed."""

from __future__ import annotations

import time
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.text import Text

from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probe_runner import Snapshot
    from tui_app.training.control import Control

#: The share of training's time that looking at it may take, and the seconds between two looks.
#: The next look may cost more than expected by the last ones: so less than 5 %.
_SHARE, _SECONDS = 0.04, 0.5


class LiveView:
    """The newest snapshot for a view. `poll` costs nothing; a view that is hidden isn't polled."""

    def __init__(self, view: View, control: Control) -> None:
        self.view = view
        self.snapshot: Snapshot | None = None
        self.problem = self.progress = ""
        self._control = control
        self._waiting: Future[Snapshot] | None = None
        self._ask = self._asked = ""
        self._next = self._expected = 0.0
        self._is_drawn = False

    def ask(self, text: str) -> None:
        """Let the next snapshot answer this."""
        self._ask, self._next = text, 0.0

    @property
    def is_over(self) -> bool:
        """Whether the run answers no more: what it learned is read from its folder now."""
        return self._waiting is not None and self._waiting.cancelled()

    @property
    def is_busy(self) -> bool:
        """Whether an answer is waited for."""
        return self._waiting is not None and not self._waiting.done()

    def cancel_probe(self) -> None:
        """A look at a run that trains is short: others wait for it."""

    def poll(self) -> bool:
        """Take in what was answered and ask again when it is time: whether there is news."""
        if self.is_over or self.is_busy:
            return False
        news = self._waiting is not None and self._take_in(self._waiting)
        if self._waiting is None and (time.monotonic() >= self._next or self._ask != self._asked):
            self._asked = self._ask
            from tui_app.inspection.probe_runner import probing  # puts off torch

            self._waiting = self._control.request(probing(self.view.load_probe(), self._ask))
        return news

    def lines(self, frame: Frame, *, closer: bool = False) -> list[Text]:
        """The newest snapshot drawn; what that takes the first time counts as looking, too."""
        if self.snapshot is None:
            return []
        begun = time.monotonic()
        lines = self.view.lines(self.snapshot.found, frame, closer=closer)
        if not self._is_drawn:  # drawn anew at a key, it must not put off the next look
            self._next += (time.monotonic() - begun) / _SHARE
            self._is_drawn = True
        return lines

    def _take_in(self, answered: Future[Snapshot]) -> bool:
        before, self._expected = self.snapshot.seconds if self.snapshot else 0.0, 0.0
        try:
            snapshot, self.problem = answered.result(), ""
            # A look that trains the run again grows with it: the next one may cost as much more.
            self._expected = max(snapshot.seconds, 2 * snapshot.seconds - before)
            if self.snapshot is not None:
                found = self.view.join(self.snapshot.found, snapshot.found)
                snapshot = replace(snapshot, found=found)
            self.snapshot, self._is_drawn = snapshot, False
        except CancelledError:
            return False
        except Exception as error:  # noqa: BLE001  a view that fails says so in its place
            self.snapshot, self.problem = None, f"{type(error).__name__}: {error}"
        self._waiting = None
        self._next = time.monotonic() + max(_SECONDS, self._expected / _SHARE)
        return True
