"""What training says, as it goes: frozen dataclasses of plain numbers, never tensors."""

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


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """Training begins, or goes on after `epoch` epochs and `step` steps. Sizes are in samples.

    `reduction` says whether a loss is the sum or the mean over its samples; `metric` is the value
    the best model is chosen by, `highest` whether more of it is better.
    """

    kind: ClassVar[str] = "started"
    lecture: str
    dataset: str
    device: str
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
    """A block of steps: the loss of each, `lr` at the first of them. Steps count from 1."""

    kind: ClassVar[str] = "steps"
    epoch: int
    first_step: int
    lr: float
    losses: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class EpochCompleted(Event):
    """An epoch is over. `values` are its losses and accuracies (from 0 to 1) by name.

    `train_loss` is over the samples as the epoch met them, before the update that each led to;
    what was evaluated afterwards is `test_loss`, `validation_accuracy`, ... `seconds` are those of
    training alone.
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
    """The model is better by its metric than it ever was in this run."""

    kind: ClassVar[str] = "best"
    epoch: int
    step: int
    metric: str
    value: float


@dataclass(frozen=True, kw_only=True)
class CheckpointDue(Event):
    """last.pt is about to be saved: what was recorded so far must be on the disk before it is."""

    kind: ClassVar[str] = "checkpoint due"
    step: int


@dataclass(frozen=True, kw_only=True)
class CheckpointSaved(Event):
    """last.pt holds the run as it is after `step` steps."""

    kind: ClassVar[str] = "checkpoint"
    epoch: int
    step: int


@dataclass(frozen=True, kw_only=True)
class Warned(Event):
    """Something that the person who trains should know."""

    kind: ClassVar[str] = "warning"
    epoch: int
    step: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Advised(Event):
    """Something goes wrong with the run, `name` in a word or two: what it is, and what to try.

    `settings` are those that would mend it, by name; there may be none.
    """

    kind: ClassVar[str] = "advice"
    epoch: int
    step: int
    name: str
    text: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ControlApplied(Event):
    """The person who trains changed the run: from `first_step` on, `lr` is in force."""

    kind: ClassVar[str] = "control"
    first_step: int
    lr: float


@dataclass(frozen=True, kw_only=True)
class StateChanged(Event):
    """The run was paused or goes on; sent again once a second while it is paused."""

    kind: ClassVar[str] = "state"
    state: State
    step: int


@dataclass(frozen=True, kw_only=True)
class RunCompleted(Event):
    """The last event of a run. `values` are the best model's, measured on the test set at the end.

    `reason` says why it ended, in a sentence; `exit_code` is the program's.
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
    """`value` as JSON can hold it: null for a number that is not finite, a list for a tuple."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
