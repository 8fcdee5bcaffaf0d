"""Accumulates a run's events compactly: the losses of a million steps are one array of 8 MB."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tui_app.monitoring.log import Log
from tui_app.monitoring.run_info import RunInfo
from tui_app.runs.event_text import logged_events
from tui_app.runs.events import (
    Advised,
    BestImproved,
    ControlApplied,
    EpochCompleted,
    Event,
    RunCompleted,
    RunStarted,
    StateChanged,
    StepsCompleted,
    ThreadsChanged,
)
from tui_app.runs.metrics.packed_epochs import MOST_STEPS, MOST_VALUES, PackedEpochs, numbers
from tui_app.runs.rank_devices import RankDevice

#: Steps that may be missing in metrics.jsonl; a line after a larger gap is damaged.
_MOST_MISSING = 10**7

#: Changes of the lr that are kept, and pieces of advice.
_MOST_NOTES = 10_000


@dataclass
class EpochColumns:
    """The values of all epochs, one column each; NaN where an epoch has no such value."""

    epoch: array[float] = field(default_factory=lambda: array("d"))
    step: array[float] = field(default_factory=lambda: array("d"))
    seconds: array[float] = field(default_factory=lambda: array("d"))
    values: dict[str, array[float]] = field(default_factory=dict)

    def append(self, epoch: int, step: int, seconds: float, values: Mapping[str, float]) -> None:
        """Add an epoch; `seconds` counts training since the run began."""
        for name in values:
            if name not in self.values and len(self.values) < MOST_VALUES:
                self.values[name] = array("d", [math.nan]) * len(self.epoch)
        for name, column in self.values.items():
            column.append(values.get(name, math.nan))
        self.epoch.append(epoch)
        self.step.append(step)
        self.seconds.append(seconds)

    def extend(self, block: PackedEpochs, seconds: float) -> None:
        """Add the epochs of a block; `seconds` counts training before it."""
        count, before = len(block), len(self.epoch)
        for name in block.values:
            if name not in self.values and len(self.values) < MOST_VALUES:
                self.values[name] = array("d", [math.nan]) * before
        for name in self.values:
            there = block.spread(name) if name in block.values else [None] * count
            self.values[name].extend(numbers(there))
        places = np.arange(count, dtype=np.float64)
        last = block.first_step + block.steps - 1
        times = np.cumsum([seconds, *numbers(block.columns["seconds"])])[1:]
        self.epoch.frombytes((block.epoch + places).tobytes())
        self.step.frombytes((last + block.steps * places).tobytes())
        self.seconds.frombytes(times.tobytes())

    def last(self, name: str) -> float | None:
        """Return the newest value of that name that is a number."""
        column = self.values.get(name, ())
        return next((value for value in reversed(column) if not math.isnan(value)), None)


class History:
    """A run so far. `version` grows with every event."""

    def __init__(self) -> None:
        self.info: RunInfo | None = None
        self.losses: array[float] = array("d")  # that of step n at n - 1
        self.epochs = EpochColumns()
        self.log = Log()
        self.state = ""
        self.best: BestImproved | None = None
        self.completed: RunCompleted | None = None
        self.lr = math.nan
        self.threads = 0  # 0 until something says
        self.ranks: Sequence[RankDevice] = ()  # of a run on several devices
        self.advice: list[Advised] = []
        self.lr_changes: list[ControlApplied] = []
        self.samples_per_second = math.nan
        self.version = 0
        self._has_failed = False
        self._seconds = 0.0
        self._missing = 0
        self._handlers: dict[type, Callable[..., None]] = {
            PackedEpochs: self._on_epochs,
            StepsCompleted: self._on_steps,
            EpochCompleted: self._on_epoch,
            BestImproved: self._on_best,
            ControlApplied: self._on_control,
            ThreadsChanged: self._on_threads,
            Advised: self._on_advised,
            StateChanged: self._on_state,
            RunStarted: self._on_started,
            RunCompleted: self._on_completed,
        }

    @property
    def step(self) -> int:
        """The number of steps so far."""
        return len(self.losses)

    @property
    def epoch(self) -> int:
        """The number of complete epochs so far."""
        return int(self.epochs.epoch[-1]) if self.epochs.epoch else 0

    @property
    def is_over(self) -> bool:
        """Whether the run's last event was recorded."""
        return self.completed is not None

    @property
    def is_open(self) -> bool:
        """Whether more events may come: the run has neither ended nor crashed."""
        return not (self.is_over or self._has_failed or self.state == "crashed")

    def fail(self) -> None:
        """Mark the run as failed, where no event says so."""
        if not self._has_failed:
            self._has_failed = True
            self.version += 1

    def record(self, event: Event | PackedEpochs, *, log: bool = True) -> None:
        """Add an event or a block of epochs; with `log`, its log lines too."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)
        if log:
            epochs = self.info.epochs if self.info else 0
            for each in logged_events(event, epochs):
                self.log.add_event(each)
        self.version += 1

    def _on_steps(self, event: StepsCompleted) -> None:
        self._add_losses(event.first_step, event.losses)
        self.lr = event.lr

    def _add_losses(self, first_step: int, losses: Sequence[float]) -> None:
        missing = first_step - 1 - len(self.losses)
        if self._missing + missing > _MOST_MISSING or first_step > MOST_STEPS:
            return
        if missing > 0:
            self._missing += missing
            self.losses.extend([math.nan] * missing)
        elif missing < 0:
            del self.losses[first_step - 1 :]
        self.losses.extend(losses)

    def _on_epochs(self, block: PackedEpochs) -> None:
        self._add_losses(block.first_step, numbers(block.losses))
        self.epochs.extend(block, self._seconds)
        self._seconds = self.epochs.seconds[-1]
        self.lr = numbers(block.columns["lr_after"])[-1]
        self.samples_per_second = numbers(block.columns["samples_per_second"])[-1]
        self.best = block.last_best or self.best

    def _on_epoch(self, event: EpochCompleted) -> None:
        self._seconds += event.seconds
        self.epochs.append(event.epoch, event.step, self._seconds, event.values)
        self.samples_per_second, self.lr = event.samples_per_second, event.lr

    def _on_best(self, event: BestImproved) -> None:
        self.best = event

    def _on_control(self, event: ControlApplied) -> None:
        if len(self.lr_changes) < _MOST_NOTES:
            self.lr_changes.append(event)
        self.lr = event.lr

    def _on_threads(self, event: ThreadsChanged) -> None:
        self.threads = event.threads

    def _on_advised(self, event: Advised) -> None:
        if len(self.advice) < _MOST_NOTES:
            self.advice.append(event)

    def _on_state(self, event: StateChanged) -> None:
        self.state = event.state

    def _on_started(self, event: RunStarted) -> None:
        self.state, self.completed, self.threads = "running", None, event.threads

    def _on_completed(self, event: RunCompleted) -> None:
        self.state, self.completed = event.state, event
