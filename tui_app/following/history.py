"""What a run's events have come to, kept compactly: a million steps are one array of 8 MB."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tui_app.following.facts import Facts
from tui_app.following.log import Log
from tui_app.training.events import (
    BestImproved,
    ControlApplied,
    EpochCompleted,
    Event,
    RunCompleted,
    RunStarted,
    StateChanged,
    StepsCompleted,
)

#: Lines that the log has at most for the epochs of a run.
_EPOCH_LINES = 500

#: Steps that may be missing in what was recorded: a line after more of them is a damaged one.
_MOST_MISSING = 10**7


@dataclass
class EpochColumns:
    """The values of every epoch, a column each; NaN where an epoch has no such value."""

    epoch: array[float] = field(default_factory=lambda: array("d"))
    step: array[float] = field(default_factory=lambda: array("d"))
    seconds: array[float] = field(default_factory=lambda: array("d"))
    values: dict[str, array[float]] = field(default_factory=dict)

    def append(self, epoch: int, step: int, seconds: float, values: Mapping[str, float]) -> None:
        """Add an epoch; `seconds` are those of training since the run began."""
        for name in values:
            if name not in self.values:
                self.values[name] = array("d", [math.nan]) * len(self.epoch)
        for name, column in self.values.items():
            column.append(values.get(name, math.nan))
        self.epoch.append(epoch)
        self.step.append(step)
        self.seconds.append(seconds)

    def last(self, name: str) -> float | None:
        """The newest value of that name that is a number."""
        column = self.values.get(name, ())
        return next((value for value in reversed(column) if not math.isnan(value)), None)


class History:
    """A run as it went so far. `version` grows with everything that was taken in."""

    def __init__(self) -> None:
        self.facts: Facts | None = None
        self.losses: array[float] = array("d")  # that of step n at n - 1
        self.epochs = EpochColumns()
        self.log = Log()
        self.state = ""
        self.best: BestImproved | None = None
        self.completed: RunCompleted | None = None
        self.lr = math.nan
        self.lr_changes: list[ControlApplied] = []
        self.samples_per_second = math.nan
        self.version = 0
        self._seconds = 0.0
        self._take: dict[type[Event], Callable[..., None]] = {
            StepsCompleted: self._steps,
            EpochCompleted: self._epoch,
            BestImproved: self._best,
            ControlApplied: self._control,
            StateChanged: self._state,
            RunStarted: self._started,
            RunCompleted: self._completed,
        }

    @property
    def step(self) -> int:
        """The steps taken so far."""
        return len(self.losses)

    @property
    def epoch(self) -> int:
        """The whole epochs trained so far."""
        return int(self.epochs.epoch[-1]) if self.epochs.epoch else 0

    @property
    def is_over(self) -> bool:
        """Whether the run's last event has come."""
        return self.completed is not None

    def take(self, event: Event, *, tell: bool = True) -> None:
        """Take one event in; without `tell` it gets no line in the log."""
        take = self._take.get(type(event))
        if take is not None:
            take(event)
        if tell and (not isinstance(event, EpochCompleted) or self._is_told(event.epoch)):
            self.log.tell(event)
        self.version += 1

    def _is_told(self, epoch: int) -> bool:
        epochs = self.facts.epochs if self.facts else 0
        return epoch in (1, epochs) or epoch % max(1, epochs // _EPOCH_LINES) == 0

    def _steps(self, event: StepsCompleted) -> None:
        missing = event.first_step - 1 - len(self.losses)
        if missing > _MOST_MISSING:
            return
        if missing > 0:
            self.losses.extend([math.nan] * missing)
        elif missing < 0:
            del self.losses[event.first_step - 1 :]
        self.losses.extend(event.losses)
        self.lr = event.lr

    def _epoch(self, event: EpochCompleted) -> None:
        self._seconds += event.seconds
        self.epochs.append(event.epoch, event.step, self._seconds, event.values)
        self.samples_per_second, self.lr = event.samples_per_second, event.lr

    def _best(self, event: BestImproved) -> None:
        self.best = event

    def _control(self, event: ControlApplied) -> None:
        self.lr_changes.append(event)
        self.lr = event.lr

    def _state(self, event: StateChanged) -> None:
        self.state = event.state

    def _started(self, event: RunStarted) -> None:
        self.state, self.completed = "running", None

    def _completed(self, event: RunCompleted) -> None:
        self.state, self.completed = event.state, event
