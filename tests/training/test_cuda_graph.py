"""Recorded steps: the choice, the warm-up, falling back.

On the CPU a fake recorder replays by calling the step again; on a GPU recorded steps are compared
with plain ones.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from datasets import read_dataset
from models import find_lecture
from models.lecture import Lecture
from models.loading.load import load_lecture
from tests.program import Followed, few_samples
from tests.tolerances import TRAINED
from tests.training.test_resume import assert_same_run, resume
from tui_app.runs.events import Event, Warned
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training import loop, prepare
from tui_app.training.recording.choice import fastest_steps, why_not_recordable
from tui_app.training.recording.recorded_steps import RecordedSteps
from tui_app.training.recording.recorder import RunSteps
from tui_app.training.seeding import host_rng_state
from tui_app.training.start import start_run
from tui_app.training.state import Training
from tui_app.training.steering.control import Control
from tui_app.training.step import make_step
from tui_app.training.step_runner import PlainSteps, StepRunner


class PretendRecorder:
    """Replays by running the step again on the recorded memory."""

    def __init__(self, fails: str = "", waits: bool = False) -> None:
        self.fails, self.waits = fails, waits
        self.runs = self.replays = self.recorded = 0
        self.is_closed = False

    def run(self, steps: RunSteps) -> Tensor:
        self.runs += 1
        return steps()

    def watch(self, steps: RunSteps) -> tuple[Tensor, bool]:
        return self.run(steps), self.waits

    def record(self, steps: RunSteps) -> RunSteps:
        self.recorded += 1
        if self.fails == "random":
            random.random()
            torch.rand(1)
        elif self.fails:
            raise RuntimeError(f"{self.fails}\nand more")

        def replay() -> Tensor:
            self.replays += 1
            return steps()

        return replay

    def discard(self) -> None:
        self.discarded = True

    def close(self) -> None:
        self.is_closed = True


def plain(training: Training) -> StepRunner:
    return PlainSteps(training, make_step(training))


def trained(
    runs_dir: Path,
    steps: Callable[[Training], StepRunner] = plain,
    lecture: str = "softmax",
    stop_after: int = 0,
    **given: Any,
) -> Followed:
    """A run that `steps` runs."""
    given = {"widths": (16,), "epochs": 2} | given if lecture == "softmax" else given
    given = {"device": "cpu", "runs_dir": str(runs_dir)} | given
    settings = resolve_settings(load_lecture(find_lecture(lecture)), given)
    control, events = Control(), list[Event]()
    if stop_after:
        control.run_steps(stop_after)

    def listener(event: Event) -> None:
        events.append(event)
        if event.kind == "state":
            control.stop()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "fastest_steps", steps)
        session = start_run(settings, control, lambda progress: None)
        return Followed(session, events, session.train(control, [listener]))


def recorded_by(recorder: PretendRecorder) -> Callable[[Training], RecordedSteps]:
    return lambda training: RecordedSteps(training, recorder)


def warnings_of(run: Followed) -> list[str]:
    return [event.text for event in run.events if isinstance(event, Warned)]


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
    assert (recorder.recorded, recorder.replays) == (1, 2 * 22 - 3)
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
    assert recorder.replays == 0
    assert_same_run(unrecorded.session.folder, run.session.folder)


@pytest.mark.parametrize(
    "lecture",
    ["softmax", "10_basic", "10_deeper", "lenet", "googlenet", "resnet", "densenet", "07", "12"],
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
    told = [event.text for event in run.events if isinstance(event, Warned)]
    assert ["keeps state" in text for text in told] == [True]
    assert run.losses == trained(tmp_path).losses


def test_a_failed_recording_leaves_random_numbers_unchanged(tmp_path: Path) -> None:
    training = training_of("softmax", tmp_path)
    steps = RecordedSteps(training, PretendRecorder("random"))
    steps.begin_epoch(0, 0)
    for _ in range(3):
        steps.run(1)
    before = host_rng_state()
    steps.run(1)
    assert host_rng_state() == before
    assert isinstance(training.optimizer.param_groups[0]["lr"], float)


def training_of(lecture: str, runs_dir: Path, **given: Any) -> Training:
    settings = resolve_settings(
        load_lecture(find_lecture(lecture)), {**given, "runs_dir": str(runs_dir), "device": "cpu"}
    )
    return prepare.prepare(settings)


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
def test_why_a_run_is_not_recorded(
    tmp_path: Path, lecture: str, given: dict[str, Any], reason: str
) -> None:
    found = why_not_recordable(training_of(lecture, tmp_path, **given))
    assert (found == "") == (reason == "")
    assert reason in found


def test_without_cuda_nothing_is_recorded_without_a_warning(tmp_path: Path) -> None:
    training = training_of("05", tmp_path)
    assert not isinstance(fastest_steps(training), RecordedSteps)
    assert training.pending_warnings == []


# With a GPU

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


class Net(nn.Module):
    """Has dropout, BatchNorm and, with `looks`, a step that reads its own result on the host."""

    def __init__(self, *, looks: bool) -> None:
        super().__init__()
        self.looks = looks
        self.layers = nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10)
        )
        self.layers(torch.zeros(2, 1, 28, 28))

    def forward(self, x: Tensor) -> Tensor:
        out = nn.functional.dropout(self.layers(x), 0.2, self.training)
        return out * 1.0 if self.looks and out.sum().item() > 0 else out


def on_gpu(steps: Callable[[Training], StepRunner], lecture: Lecture, **given: Any):
    """The losses of 63 steps; the training, and what ran it."""
    given = {"lr_schedule": "cosine", "epochs": 3, **given, "device": "cuda"}
    data = few_samples(prepare.read_data(resolve_settings(lecture, given)), train=20 * 64 + 30)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepare, "read_data", lambda *args: data)
        training = prepare.prepare(resolve_settings(lecture, given))
    runner, losses = steps(training), list[Tensor]()
    for epoch in range(3):
        runner.begin_epoch(epoch, 0)
        while training.step < (epoch + 1) * len(training.batches):
            training.apply_lr()
            run = runner.run((epoch + 1) * len(training.batches) - training.step)
            losses.append(run.losses)
            training.step += len(run.sizes)
    return torch.hstack(losses).cpu(), training, runner


class Breaks(Net):
    """Has dropout, whose generator a failed recording leaves in capture mode."""

    def forward(self, x: Tensor) -> Tensor:
        out = super().forward(x)
        if torch.cuda.is_current_stream_capturing():
            raise RuntimeError("not here")
        return out


#: Nets that aren't recorded, and what the warning says.
NOT_RECORDED = {
    "reads": (lambda: Net(looks=True), "waits for its own results"),
    "breaks": (lambda: Breaks(looks=False), "not here"),
}


def lecture_with(net: str) -> Lecture:
    lecture = load_lecture(find_lecture("softmax"))
    if net == "softmax":
        return lecture
    make = NOT_RECORDED[net][0] if net in NOT_RECORDED else lambda: Net(looks=False)
    return replace(lecture, model=lambda spec, hp: make())


every_optimizer = pytest.mark.parametrize(
    "given",
    [
        {},
        {"clip_grad_norm": 0.5, "momentum": 0.0},
        {"precision": "bf16"},
        {"optimizer": "adam", "lr": 0.001},
        {"optimizer": "adamax", "lr": 0.001},
        {"optimizer": "rmsprop", "lr": 0.001},
        {"optimizer": "asgd"},
        {"optimizer": "rprop", "lr": 0.001},
    ],
)


@pytest.mark.gpu
@needs_gpu
@every_optimizer
@pytest.mark.parametrize("net", ["softmax", "own"])
def test_steps_with_every_optimizer_are_recorded(net: str, given: dict[str, Any]) -> None:
    _, training, runner = on_gpu(fastest_steps, lecture_with(net), **given)
    assert isinstance(runner, RecordedSteps)
    assert training.pending_warnings == []


@pytest.mark.gpu
@pytest.mark.gpu_numbers
@needs_gpu
@every_optimizer
@pytest.mark.parametrize("net", ["softmax", "own"])
def test_a_graph_has_the_losses_of_plain_steps(net: str, given: dict[str, Any]) -> None:
    graphed, training, _ = on_gpu(fastest_steps, lecture_with(net), **given)
    eager, other, _ = on_gpu(plain, lecture_with(net), **given)
    tolerance = 0.05 if given.get("precision") else 2e-3
    torch.testing.assert_close(graphed, eager, rtol=tolerance, atol=tolerance)
    ours, theirs = training.model.state_dict(), other.model.state_dict()
    assert ours.keys() == theirs.keys()
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], rtol=0.05, atol=0.02)


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("net", NOT_RECORDED)
def test_a_net_that_cannot_be_recorded_trains_with_plain_steps(net: str) -> None:
    losses, training, _ = on_gpu(fastest_steps, lecture_with(net))
    (text,) = training.pending_warnings
    assert NOT_RECORDED[net][1] in text
    assert len(losses) == training.step


@pytest.mark.gpu
@pytest.mark.gpu_numbers
@needs_gpu
@pytest.mark.parametrize("net", NOT_RECORDED)
def test_plain_steps_after_a_failed_recording_have_the_usual_losses(net: str) -> None:
    losses, _, _ = on_gpu(fastest_steps, lecture_with(net))
    eager, _, _ = on_gpu(plain, lecture_with("reads" if net == "reads" else "own"))
    torch.testing.assert_close(losses, eager, rtol=2e-3, atol=2e-3)


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("device", ["cuda", pytest.param("cpu", marks=pytest.mark.gpu_numbers)])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop", "asgd", "rprop"])
def test_a_run_recorded_on_a_gpu_resumes_there_and_on_the_cpu(
    tmp_path: Path, optimizer: str, device: str
) -> None:
    given = {"device": "cuda", "optimizer": optimizer, "lr": 0.001, "epochs": 3}
    run = trained(tmp_path, fastest_steps, stop_after=40, **given)
    assert not [text for text in warnings_of(run) if "not recorded" in text]
    assert resume(run.session.folder, device=device).state == "completed"
