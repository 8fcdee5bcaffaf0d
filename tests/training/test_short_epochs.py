"""Epochs trained in blocks are recorded, bit for bit, as the general loop records them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from datasets import Data, read_dataset
from models import find_lecture
from models.user_files.trust import allow_named_file
from tests.training.test_resume import assert_same_run, resume, settings
from tui_app.headless.console_output import JsonLines
from tui_app.runs.errors import TrainingFailed
from tui_app.runs.events import (
    CheckpointDue,
    CheckpointSaved,
    ControlApplied,
    EpochCompleted,
    Event,
    RunCompleted,
    StateChanged,
)
from tui_app.runs.metrics.metrics_codec import Record
from tui_app.runs.metrics.metrics_file import read_events
from tui_app.runs.metrics.packed_epochs import PackedEpochs
from tui_app.runs.run_folder import RunFolder
from tui_app.training import loop, prepare, short_epochs
from tui_app.training.dispatcher import TakesPacked
from tui_app.training.start import start_run
from tui_app.training.state import Training
from tui_app.training.steering.control import Control

#: Called in the forward pass of each step with the run and its control.
Act = Callable[[Training, Control], object]


@dataclass
class Trained:
    """A run that is over: the events, what was published whole, and its JSON lines."""

    folder: RunFolder
    events: list[Event]
    records: list[Record]
    json: str

    @property
    def packed(self) -> list[PackedEpochs]:
        return [record for record in self.records if isinstance(record, PackedEpochs)]

    @property
    def timeless(self) -> list[Event]:
        """The events without what depends on the time."""
        timed = (CheckpointDue, CheckpointSaved)
        return [_timeless(event) for event in self.events if not isinstance(event, timed)]


def _timeless(event: Event) -> Event:
    changes: dict[str, Any] = {"run": ""}
    if isinstance(event, EpochCompleted):
        changes |= {"seconds": 0.0, "samples_per_second": 0.0}
    if isinstance(event, RunCompleted):
        changes["seconds"] = 0.0
    return replace(event, **changes)


def train(runs_dir: Path, lecture: str, act: Act | None = None, **given: Any) -> Trained:
    """Train a run; `act` is called in the forward pass of each step. A pause ends at once."""
    control = Control()
    session = start_run(settings(runs_dir, lecture, **given), control, lambda progress: None)
    training = session.training

    def hook(*_: object) -> None:
        if act is not None and training.model.training:
            act(training, control)

    training.criterion.register_forward_hook(hook)
    run = Trained(session.folder, [], [], "")
    stream = io.StringIO()

    def unpause(event: Event) -> None:
        if isinstance(event, StateChanged) and event.state == "paused":
            control.unpause()

    listeners = [run.events.append, unpause, TakesPacked(run.records.append)]
    with suppress(TrainingFailed):  # the last event says so
        session.train(control, [*listeners, JsonLines(stream)])
    run.json = stream.getvalue()
    return run


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Trained, Trained]]:
    """Trains the same run in blocks and by the general loop, and compares what they recorded."""
    monkeypatch.setattr(short_epochs, "_SECONDS", 0.004)  # so that there are several blocks

    def train_both(lecture: str, act: Act | None = None, **given: Any) -> tuple[Trained, Trained]:
        fast = train(tmp_path / "fast", lecture, act, **given)
        with monkeypatch.context() as patch:
            patch.setattr(loop, "short_epochs", lambda *_: None)
            general = train(tmp_path / "general", lecture, act, **given)
        assert not general.packed
        assert fast.timeless == general.timeless
        assert fast.folder.best().exists() == general.folder.best().exists()
        if general.folder.best().exists():  # else an error ended the run before its first save
            assert_same_run(fast.folder, general.folder)
        return fast, general

    return train_both


@pytest.fixture
def all_in_one_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are evaluated on the train set, since there is no other."""

    def read(name: str, *_: object, **chosen: Any) -> Data:
        return replace(read_dataset(name, **chosen), test=None)

    monkeypatch.setattr(prepare, "read_dataset", read)


@pytest.mark.usefixtures("all_in_one_set")
@pytest.mark.parametrize(
    ("lecture", "given"),
    [
        ("04", {"batch_size": "full"}),
        ("04", {"batch_size": "full", "form": "quadratic", "lr": 0.001}),
        ("05", {}),
        ("05", {"dataset": "noisy-line"}),
        ("05", {"momentum": 0.9, "weight_decay": 0.01, "lr": 0.003}),
        ("05", {"momentum": 0.9, "nesterov": True, "lr": 0.003}),
        ("05", {"early_stopping": 3, "momentum": 0.9, "epochs": 2000}),
        ("05", {"lr": 0.07}),  # diverges
        ("05", {"optimizer": "adagrad"}),
        ("05", {"optimizer": "adam"}),
        ("05", {"optimizer": "adamax"}),
        ("05", {"optimizer": "asgd"}),
        ("05", {"optimizer": "rmsprop"}),
        ("05", {"optimizer": "rprop"}),
        ("06", {}),
        ("07", {}),  # the best one by its accuracy, of a mean
        ("07", {"dataset": "moons", "optimizer": "adam", "epochs": 80}),
    ],
)
def test_a_run_in_blocks_records_what_the_general_loop_does(
    both: Callable[..., tuple[Trained, Trained]], lecture: str, given: dict[str, Any]
):
    fast, general = both(lecture, **{"epochs": 400, **given})
    assert fast.packed
    recorded = [*read_events(fast.folder.metrics, Event)]
    kinds = {event.kind for event in recorded}
    assert recorded == [event for event in fast.events if event.kind in kinds]
    assert len(fast.json.splitlines()) == len(fast.events)
    fast_status, status = (
        json.loads((run.folder.path / "status.json").read_text()) for run in (fast, general)
    )
    for name in ("epoch", "step", "best_value", "best_epoch", "state", "reason"):
        assert fast_status[name] == status[name]


def at(step: int, act: Callable[[Control], object]) -> Act:
    """Do something once, in the forward pass of the step after `step`."""
    is_done: set[int] = set()

    def once(training: Training, control: Control) -> None:
        if training.step == step and id(control) not in is_done:
            is_done.add(id(control))
            act(control)

    return once


@pytest.mark.parametrize(
    "act",
    [
        Control.stop,
        Control.pause,
        lambda control: control.set_lr(0.003),
        Control.save,
        lambda control: control.request(lambda training: training.model(torch.ones(1, 1))),
        lambda control: control.run_steps(3),
        Control.run_epoch,
    ],
)
def test_a_request_in_a_block_is_granted_at_the_same_step(
    both: Callable[..., tuple[Trained, Trained]], act: Callable[[Control], object]
):
    fast, _ = both("05", at(150, act), epochs=300)
    assert fast.packed


def test_a_run_stopped_in_a_block_resumes_as_if_it_had_not_been(tmp_path: Path):
    given = {"epochs": 400, "momentum": 0.9, "lr": 0.003}
    whole = train(tmp_path / "whole", "05", **given)
    part = train(tmp_path / "part", "05", at(150, Control.stop), **given)
    assert isinstance(part.events[-1], RunCompleted)
    assert part.events[-1].step == 151
    resume(part.folder)
    assert_same_run(part.folder, whole.folder)


def test_an_lr_set_in_a_block_is_set_again_after_a_crash(tmp_path: Path):
    def crash(control: Control) -> None:
        raise Killed

    change = at(150, lambda control: control.set_lr(0.003))
    whole = train(tmp_path / "whole", "05", change, epochs=400)
    die = at(300, crash)
    with pytest.raises(Killed):
        train(tmp_path / "part", "05", lambda *of: (change(*of), die(*of)), epochs=400)
    (status,) = (tmp_path / "part").glob("*/*/status.json")
    folder = RunFolder(status.parent)
    resume(folder)
    assert_same_run(folder, whole.folder)
    changes = [event.first_step for event in read_events(folder.metrics, ControlApplied)]
    assert changes == [152]


class Killed(BaseException):
    """Ends a run without its last save."""


def test_an_error_in_a_block_ends_the_run_as_in_the_general_loop(
    both: Callable[..., tuple[Trained, Trained]],
):
    def fail(training: Training, control: Control) -> None:
        if training.step == 150:
            raise ValueError("a bad moment")

    fast, _ = both("05", fail, epochs=300)
    assert fast.packed
    assert "a bad moment" in fast.events[-1].reason  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("name", "result"),
    [("is_finite", False), ("_measured", {})],  # of the weights after a block; of the first epoch
)
def test_a_block_that_is_not_as_expected_is_trained_again(
    both: Callable[..., tuple[Trained, Trained]],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    result: object,
):
    where = short_epochs if name == "is_finite" else short_epochs.ShortEpochs
    monkeypatch.setattr(where, name, lambda *_: result)
    fast, _ = both("05", epochs=100, momentum=0.9, lr=0.003)
    assert not fast.packed


@pytest.mark.parametrize(
    ("lecture", "given"),
    [
        ("02", {}),
        ("03", {}),
        ("04", {}),  # three steps an epoch
        ("05", {"shuffle": True}),
        ("05", {"clip_grad_norm": 1.0}),
        ("05", {"lr_schedule": "cosine"}),
        ("05", {"optimizer": "lbfgs"}),
        ("05", {"eval_every": 2}),
        ("05", {"keep_best": 2}),
        ("05", {"dataset": "noisy-line", "validation": 0.2}),
        ("07", {}),  # measured on its test set
    ],
)
def test_other_runs_take_the_general_loop(tmp_path: Path, lecture: str, given: dict[str, Any]):
    session = start_run(settings(tmp_path, lecture, **given), Control(), lambda progress: None)
    assert short_epochs.short_epochs(session.training, Control()) is None
    session.train(Control(), [])


_FORWARD = "return self.linear(x)"

#: What a user's model may do in `forward`, and whether blocks of epochs can be trained with it.
_FORWARDS = {
    "nothing else": (_FORWARD, True),
    "counts": ("self.calls = getattr(self, 'calls', 0) + 1; " + _FORWARD, False),
    "keeps a list": ("self.__dict__.setdefault('seen', []).append(1); " + _FORWARD, False),
    "drops out": ("return nn.functional.dropout(self.linear(x), 0.01, self.training)", False),
    "draws a number": ("torch.rand(1); " + _FORWARD, False),
    "uses its bias later": (
        "y = x @ self.linear.weight.T; "
        "return y + self.linear.bias if self.linear.weight.item() > 1.95 else y",
        True,
    ),
    "shrinks": ("return self.linear(x) * (1.0 if self.training else 0.9)", False),
}


@pytest.mark.parametrize("name", _FORWARDS)
def test_a_users_model_that_does_more_than_compute_takes_the_general_loop(
    both: Callable[..., tuple[Trained, Trained]], tmp_path: Path, name: str
):
    forward, is_packed = _FORWARDS[name]
    own = tmp_path / "own.py"
    text = find_lecture("05").read_text().replace(_FORWARD, forward)
    own.write_text(text.replace("from torch import", "import torch\nfrom torch import"))
    allow_named_file(own)
    fast, _ = both(str(own), epochs=60)
    assert bool(fast.packed) == is_packed


def test_time_is_up_within_a_block(tmp_path: Path):
    run = train(tmp_path, "05", epochs=10_000_000, max_time=0.3)
    assert isinstance(run.events[-1], RunCompleted)
    assert run.events[-1].state == "stopped"
    assert run.packed
    assert run.events[-1].seconds < 3
