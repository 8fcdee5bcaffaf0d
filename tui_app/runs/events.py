"""Defines the events of a run: frozen dataclasses of plain values, never tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

State = Literal["running", "paused", "completed", "stopped", "failed"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened in the run `run`."""

    kind: ClassVar[str]
    run: str


Listener = Callable[[Event], None]

#: So begins the reason of a run that was stopped because other trials of its search are better.
PRUNED = "pruned "


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """Training starts, or resumes after `epoch` epochs and `step` steps. Sizes are in samples.

    `reduction` says whether a loss is the sum or the mean over its samples. The best model is
    chosen by `metric`; `highest` says whether a higher value of it is better. `device_reason` says
    why `auto` is no GPU, or is empty. Of several `devices`, `device` and `threads` are rank 0's.
    """

    kind: ClassVar[str] = "started"
    lecture: str
    dataset: str
    device: str
    device_reason: str = ""
    devices: int = 1
    threads: int
    threads_reason: str = ""
    parameters: int
    epoch: int
    step: int
    epochs: int
    steps_per_epoch: int
    train_size: int
    test_size: int
    validation_size: int
    reduction: str
    metric: str
    highest: bool


@dataclass(frozen=True, kw_only=True)
class StepsCompleted(Event):
    """Consecutive steps: the loss of each, and the `lr` of the first. Steps count from 1."""

    kind: ClassVar[str] = "steps"
    epoch: int
    first_step: int
    lr: float
    losses: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class EpochCompleted(Event):
    """An epoch is complete. `values` are its losses and accuracies (from 0 to 1) by name.

    `train_loss` is that of the epoch's samples, each measured before the update of its step. The
    values of the evaluation after the epoch are `test_loss`, `validation_accuracy`, ... `seconds`
    are those of training alone; for epochs that were trained in a block, their mean.
    """

    kind: ClassVar[str] = "epoch"
    epoch: int
    step: int
    lr: float
    seconds: float
    samples_per_second: float
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class BestImproved(Event):
    """The model is the best of the run so far, by its metric."""

    kind: ClassVar[str] = "best"
    epoch: int
    step: int
    metric: str
    value: float


@dataclass(frozen=True, kw_only=True)
class CheckpointDue(Event):
    """last.pt will be saved next: everything recorded so far must be on the disk first."""

    kind: ClassVar[str] = "checkpoint due"
    step: int


@dataclass(frozen=True, kw_only=True)
class CheckpointSaved(Event):
    """last.pt holds the state of the run after `step` steps."""

    kind: ClassVar[str] = "checkpoint"
    epoch: int
    step: int


@dataclass(frozen=True, kw_only=True)
class Warned(Event):
    """Something that the user should know."""

    kind: ClassVar[str] = "warning"
    epoch: int
    step: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Advised(Event):
    """The diagnosis found a problem, `name` for short: what it is, and what to try.

    `settings` are values that would solve it, by name; there may be none.
    """

    kind: ClassVar[str] = "advice"
    epoch: int
    step: int
    name: str
    text: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ControlApplied(Event):
    """The user changed the learning rate: `lr` applies from `first_step` on."""

    kind: ClassVar[str] = "control"
    first_step: int
    lr: float


@dataclass(frozen=True, kw_only=True)
class ThreadsChanged(Event):
    """The run trains with so many CPU threads from `first_step` on; `reason` says why."""

    kind: ClassVar[str] = "threads"
    first_step: int
    threads: int
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class StateChanged(Event):
    """The run was paused or continues; repeated once a second while it is paused."""

    kind: ClassVar[str] = "state"
    state: State
    step: int


@dataclass(frozen=True, kw_only=True)
class RunCompleted(Event):
    """The last event of a run. `values` are those of the best model on the test set.

    `reason` says why the run ended; `exit_code` is the program's.
    """

    kind: ClassVar[str] = "completed"
    state: State
    reason: str
    exit_code: int
    epoch: int
    step: int
    seconds: float
    metric: str
    best_value: float | None
    best_epoch: int | None
    values: Mapping[str, float] = field(default_factory=dict)


def finite(value: Any) -> Any:
    """`value` as JSON can hold it: null for a number that isn't finite, a list for a tuple."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
