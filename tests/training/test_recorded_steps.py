"""Recorded steps without a GPU: the choice, the warm-up, graphs of many steps, falling back.

A pretend recorder replays by running the steps again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from datasets import read_dataset
from models import find_lecture
from models.loading.load import load_lecture
from tests.program import few_samples
from tests.tolerances import TRAINED
from tests.training.pretend_recorder import (
    Net,
    PretendRecorder,
    plain,
    recorded_by,
    run_epochs,
    trained,
    training_of,
    warnings_of,
)
from tests.training.test_resume import assert_same_run, resume
from tui_app.runs.events import ControlApplied
from tui_app.training import loss_buffer, prepare
from tui_app.training.data import device_split
from tui_app.training.recording import graph_inputs, recorded_steps
from tui_app.training.recording.choice import fastest_steps, why_not_recordable
from tui_app.training.recording.recorded_steps import RecordedSteps
from tui_app.training.seeding import host_rng_state
from tui_app.training.state import Training


#: 1438 scans are 22 whole batches of 64 and one of 30.
@pytest.mark.parametrize(
    "given",
    [
        {"lr_schedule": "cosine", "clip_grad_norm": 0.5},
        {"momentum": 0.0, "weight_decay": 0.01, "lr_schedule": "step", "lr_step_epochs": 1},
        {"lr": 0.1},
    ],
)
def test_a_recorded_run_equals_a_plain_one(tmp_path: Path, given: dict[str, Any]) -> None:
    recorder = PretendRecorder()
    run = trained(tmp_path / "recorded", recorded_by(recorder), **given)
    unrecorded = trained(tmp_path / "plain", **given)
    # A recorded step has its lr as a float32.
    assert run.losses == pytest.approx(unrecorded.losses, rel=TRAINED)
    assert (recorder.recorded, recorder.replayed) == (1, [1] * (2 * 22 - 3))
    # The warm-up, a rehearsal before recording, and the last batch of each epoch.
    assert recorder.runs == 3 + 1 + 2
    assert not warnings_of(run)


def test_a_stopped_recorded_run_resumes_without_a_graph(tmp_path: Path) -> None:
    """Its checkpoint loads on any device."""
    given = {"momentum": 0.5, "lr": 0.125, "epochs": 3}  # an lr that has the same value as float32
    part = trained(tmp_path / "part", recorded_by(PretendRecorder()), stop_after=30, **given)
    assert part.completed.step == 30
    state = torch.load(part.session.folder.last, weights_only=True)["optimizer"]
    assert [group["lr"] for group in state["param_groups"]] == [0.125]
    assert resume(part.session.folder).state == "completed"
    whole = trained(tmp_path / "whole", **given)
    assert_same_run(whole.session.folder, part.session.folder)


@pytest.mark.parametrize(
    ("recorder", "said"),
    [
        (PretendRecorder("operation not permitted"), "RuntimeError: operation not permitted)"),
        (PretendRecorder("random"), "random numbers on the host"),
        (PretendRecorder(waits=True), "waits for its own results"),
    ],
)
def test_a_run_that_cannot_be_recorded_trains_after_one_warning(
    tmp_path: Path, recorder: PretendRecorder, said: str
) -> None:
    run = trained(tmp_path / "tried", recorded_by(recorder))
    unrecorded = trained(tmp_path / "plain")
    (text,) = warnings_of(run)
    assert said in text
    assert "and more" not in text
    assert not recorder.replayed
    assert_same_run(unrecorded.session.folder, run.session.folder)


@pytest.mark.parametrize(
    "lecture",
    [
        *("softmax", "10_basic", "10_deeper", "07", "12"),
        *("lenet", "googlenet", "resnet", "densenet", "airbench"),
    ],
)
def test_no_net_of_the_course_keeps_state_between_steps(
    tmp_path: Path, lecture: str, monkeypatch
) -> None:
    def read_few(name: str, *_: object, **chosen: Any) -> Any:
        return few_samples(read_dataset(name, **chosen), 8, 4)

    monkeypatch.setattr(prepare, "read_dataset", read_few)
    recorder = PretendRecorder()
    trained(tmp_path, recorded_by(recorder), lecture, epochs=5, batch_size=8)
    assert recorder.recorded == 1


@pytest.mark.parametrize("what", ["a count", "a tensor", "a buffer"])
def test_a_model_that_keeps_state_is_not_recorded(tmp_path: Path, what: str) -> None:
    def step(training: Training) -> RecordedSteps:
        model = training.model
        model.register_buffer("mean", torch.zeros(1))

        def remember(module: nn.Module, inputs: Any, output: Tensor) -> None:
            if what == "a count":
                vars(module)["calls"] = vars(module).get("calls", 0) + 1
            elif what == "a tensor":
                module.before = output.detach().mean()
            else:
                module.mean = output.detach().mean()

        model.register_forward_hook(remember)
        return RecordedSteps(training, PretendRecorder())

    run = trained(tmp_path, step)
    assert ["keeps state" in text for text in warnings_of(run)] == [True]
    assert run.losses == trained(tmp_path).losses


def test_a_failed_recording_leaves_random_numbers_unchanged() -> None:
    training = training_of("softmax")
    steps = RecordedSteps(training, PretendRecorder("random"))
    steps.begin_epoch(0, 0)
    for _ in range(3):
        steps.run(1)
    before = host_rng_state()
    steps.run(1)
    assert host_rng_state() == before
    assert isinstance(training.optimizer.param_groups[0]["lr"], float)


@pytest.mark.parametrize(
    ("lecture", "given", "reason"),
    [
        ("softmax", {}, ""),
        ("softmax", {"optimizer": "adam"}, ""),
        ("05", {"optimizer": "rprop"}, ""),
        ("05", {"optimizer": "asgd"}, ""),
        ("05", {"optimizer": "lbfgs"}, "lbfgs"),
        ("05", {"optimizer": "adagrad"}, "adagrad"),
        ("02", {}, "its own optimizer"),
        ("08_dataset", {}, "DataLoader"),
    ],
)
def test_why_a_run_is_not_recorded(lecture: str, given: dict[str, Any], reason: str) -> None:
    found = why_not_recordable(training_of(lecture, **given))
    assert (found == "") == (reason == "")
    assert reason in found


def test_without_cuda_nothing_is_recorded_without_a_warning() -> None:
    training = training_of("05")
    assert not isinstance(fastest_steps(training), RecordedSteps)
    assert training.pending_warnings == []


# Graphs of many steps


@pytest.fixture
def many_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few steps the run has; and a block of losses is due after its steps alone."""
    monkeypatch.setattr(recorded_steps, "_WORTH_MANY", 0)
    monkeypatch.setattr(loss_buffer, "_SECONDS", 1000.0)


def own_training(**given: Any) -> Training:
    """A run with dropout and BatchNorm, of 20 whole batches an epoch and one of 30."""
    lecture = load_lecture(find_lecture("softmax"))
    lecture = replace(lecture, model=lambda spec, hp: Net())
    return training_of(lecture, 20 * 64 + 30, epochs=3, **given)


def plain_losses(**given: Any) -> Tensor:
    """The losses of three epochs of that run, of plain steps."""
    training = own_training(**given)
    return run_epochs(training, plain(training), range(3))


@pytest.mark.usefixtures("many_are_worth_it")
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"lr_schedule": "cosine"},
        {"lr_schedule": "milestones", "lr_milestones": (1, 2)},
        {"augment": "flip and shift"},
        {"augment": "alternating flip and shift"},
        {"optimizer": "adam", "lr": 0.001, "lr_schedule": "linear"},
    ],
)
def test_many_recorded_steps_at_once_are_those_of_plain_ones(given: dict[str, Any]) -> None:
    recorder, training = PretendRecorder(), own_training(**given)
    runner = RecordedSteps(training, recorder)
    losses = run_epochs(training, runner, range(3))
    runner.close()
    after = torch.get_rng_state()
    torch.testing.assert_close(losses, plain_losses(**given), rtol=TRAINED, atol=TRAINED)
    assert torch.equal(torch.get_rng_state(), after), "for dropout and augmentation"
    assert recorder.replayed == [16, 1, *[16, 1, 1, 1, 1] * 2]
    assert recorder.is_closed
    assert all(weight.grad is None for weight in training.model.parameters())


@pytest.mark.usefixtures("many_are_worth_it")
def test_the_loop_runs_many_steps_at_once_and_records_each(tmp_path: Path) -> None:
    recorder = PretendRecorder()
    run = trained(tmp_path / "recorded", recorded_by(recorder), epochs=3)
    assert run.losses == pytest.approx(trained(tmp_path / "plain", epochs=3).losses, rel=TRAINED)
    assert recorder.replayed.count(16) == 2  # once blocks of losses are long enough
    assert sum(recorder.replayed) == 3 * 22 - 3
    assert run.completed.step == len(run.losses) == 3 * 23


@pytest.mark.usefixtures("many_are_worth_it")
def test_no_graph_spans_a_change_of_the_lr(tmp_path: Path) -> None:
    def changed(steps: Callable[[Training], Any]) -> Callable[[Training], Any]:
        def make(training: Training) -> Any:
            training.lr_changes = {50: 0.5}
            return steps(training)

        return make

    recorder = PretendRecorder()
    run = trained(tmp_path / "recorded", changed(recorded_by(recorder)), epochs=3)
    unrecorded = trained(tmp_path / "plain", changed(plain), epochs=3)
    assert run.losses == pytest.approx(unrecorded.losses, rel=TRAINED)
    (change,) = (event for event in run.events if isinstance(event, ControlApplied))
    assert change.first_step == 51
    assert recorder.replayed.count(16) == 2


@pytest.mark.usefixtures("many_are_worth_it")
@pytest.mark.parametrize("augment", ["none", "flip and shift"])
def test_batches_of_a_set_that_does_not_fit_the_device_are_copied(
    monkeypatch: pytest.MonkeyPatch, augment: str
) -> None:
    monkeypatch.setattr(device_split, "_RESIDENT_LIMIT", 0)
    training, recorder = own_training(augment=augment), PretendRecorder()
    losses = run_epochs(training, RecordedSteps(training, recorder), range(3))
    torch.testing.assert_close(losses, plain_losses(augment=augment), rtol=TRAINED, atol=TRAINED)
    assert recorder.replayed == [1] * (3 * 20 - 3)


@pytest.mark.usefixtures("many_are_worth_it")
def test_a_run_may_begin_within_an_epoch_and_stop_anywhere() -> None:
    """With the random numbers of one that goes through, whichever graphs ran its steps."""
    whole = plain_losses(augment="shift")
    training = own_training(augment="shift")
    first = run_part(training, RecordedSteps(training, PretendRecorder()), 0, 7, most=1)
    second = run_part(training, RecordedSteps(training, PretendRecorder()), 7, 21, most=1000)
    torch.testing.assert_close(
        torch.hstack([first, second]), whole[:21], rtol=TRAINED, atol=TRAINED
    )


def run_part(training: Training, runner: RecordedSteps, start: int, end: int, most: int) -> Tensor:
    """The losses of the first epoch's steps from `start` to `end`; then the runner is closed."""
    runner.begin_epoch(0, start)
    losses = list[Tensor]()
    while training.step < end:
        training.apply_lr()
        run = runner.run(min(most, end - training.step))
        losses.append(run.losses)
        training.step += len(run.sizes)
    runner.close()
    return torch.hstack(losses)


def test_many_steps_are_not_recorded_for_a_short_run() -> None:
    training, recorder = own_training(), PretendRecorder()
    run_epochs(training, RecordedSteps(training, recorder), range(3))
    assert recorder.recorded == 1


@pytest.mark.usefixtures("many_are_worth_it")
def test_batches_that_are_too_large_to_gather_many_are_recorded_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(graph_inputs, "_MOST_BYTES", 5 * 64 * 28 * 28 * 4)
    training, recorder = own_training(), PretendRecorder()
    run_epochs(training, RecordedSteps(training, recorder), range(1))
    assert recorder.replayed == [5, 5, 5, 1, 1]
    monkeypatch.setattr(graph_inputs, "_MOST_BYTES", 1)
    training, recorder = own_training(), PretendRecorder()
    run_epochs(training, RecordedSteps(training, recorder), range(1))
    assert recorder.replayed == [1] * 17


@pytest.mark.usefixtures("many_are_worth_it")
@pytest.mark.parametrize("fits", [0, 1])
def test_too_little_memory_to_record(fits: int) -> None:
    """For anything, or for many steps after one."""
    training, recorder = own_training(), PretendRecorder(fits=fits)
    runner = RecordedSteps(training, recorder)
    first = run_epochs(training, runner, range(1), most=1 if fits else 1000)
    recorder.fits = 0
    losses = torch.hstack([first, run_epochs(training, runner, range(1, 3))])
    torch.testing.assert_close(losses, plain_losses(), rtol=TRAINED, atol=TRAINED)
    (text,) = training.pending_warnings
    assert "too little memory to record them" in text
    assert "previous error" not in text


@pytest.mark.usefixtures("many_are_worth_it")
def test_one_step_is_recorded_if_many_do_not_fit_the_memory() -> None:
    class Small(PretendRecorder):
        def record(self, steps: Any) -> Any:
            self.fits = 0 if self.recorded == 0 else 1
            return super().record(steps)

    training, recorder = own_training(), Small()
    run_epochs(training, RecordedSteps(training, recorder), range(2))
    assert recorder.replayed == [1] * (2 * 20 - 3)
    assert training.pending_warnings == []


def test_a_plain_step_that_needs_the_memory_of_the_graphs_gets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last, smaller batch of an epoch runs beside the graph of whole ones."""
    training, recorder = own_training(), PretendRecorder()
    forward = training.model.forward

    def with_memory(x: Tensor) -> Tensor:
        if len(x) < 64 and recorder.has_graphs:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(x)

    monkeypatch.setattr(training.model, "forward", with_memory)
    run_epochs(training, RecordedSteps(training, recorder), range(2))
    (text,) = training.pending_warnings
    assert "beside a recorded one" in text
    assert training.parts == 1
    assert recorder.replayed == [1] * 17
