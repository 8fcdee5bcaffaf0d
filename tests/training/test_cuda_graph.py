"""Recorded steps on a GPU: compared with plain ones, and what they leave behind."""

from __future__ import annotations

import gc
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from models import find_lecture
from models.lecture import Lecture
from models.loading.load import load_lecture
from tests.training.pretend_recorder import (
    Net,
    plain,
    run_epochs,
    trained,
    training_of,
    warnings_of,
)
from tests.training.test_resume import resume
from tui_app.runs.checkpoints.checkpoint import load_checkpoint
from tui_app.training.data import device_split
from tui_app.training.recording import recorded_steps, recorder
from tui_app.training.recording.choice import fastest_steps
from tui_app.training.recording.host_waits import counted_host_waits
from tui_app.training.recording.recorded_steps import RecordedSteps
from tui_app.training.recording.recorder import CudaRecorder
from tui_app.training.state import Training

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

#: The most steps that may run at once: one graph of one step, or a graph of many too.
ONE, MANY = 1, 1000


@pytest.fixture(autouse=True)
def many_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few steps the run has."""
    monkeypatch.setattr(recorded_steps, "_WORTH_MANY", 0)


class Breaks(Net):
    """Raises an error while it is recorded; with `waits`, CUDA does."""

    def __init__(self, *, waits: bool) -> None:
        super().__init__()
        self.waits = waits

    def forward(self, x: Tensor) -> Tensor:
        out = super().forward(x)
        if torch.cuda.is_current_stream_capturing():
            if self.waits:
                out.sum().item()
            raise RuntimeError("not here")
        return out


class Large(Net):
    """Needs 32 TiB while it is recorded."""

    def forward(self, x: Tensor) -> Tensor:
        if torch.cuda.is_current_stream_capturing():
            torch.empty(1 << 45, device=x.device)
        return super().forward(x)


#: Nets that aren't recorded, and what the warning says.
NOT_RECORDED = {
    "reads": (lambda: Net(looks=True), "waits for its own results"),
    "raises": (lambda: Breaks(waits=False), "not here"),
    "waits": (lambda: Breaks(waits=True), "that failed"),
    "large": (Large, "too little memory to record"),
}


def lecture_with(net: str) -> Lecture:
    """`softmax`, `own` (which is recorded) or one of those."""
    lecture = load_lecture(find_lecture("softmax"))
    if net == "softmax":
        return lecture
    make = NOT_RECORDED[net][0] if net in NOT_RECORDED else Net
    return replace(lecture, model=lambda spec, hp: make())


def on_gpu(lecture: Lecture, **given: Any) -> Training:
    """A run of 20 whole batches of 64 an epoch, and one of 30."""
    given = {"lr_schedule": "cosine", "epochs": 3, **given, "device": "cuda"}
    return training_of(lecture, 20 * 64 + 30, **given)


def graphed(training: Training, most: int = MANY) -> Tensor:
    """The losses of 3 epochs of recorded steps."""
    runner = fastest_steps(training)
    try:
        assert isinstance(runner, RecordedSteps)
        return run_epochs(training, runner, range(3), most)
    finally:
        runner.close()


def eager(training: Training) -> Tensor:
    """The losses of 3 epochs of plain steps."""
    return run_epochs(training, plain(training), range(3))


def random_state() -> list[int]:
    return torch.cuda.get_rng_state().tolist()


every_optimizer = pytest.mark.parametrize(
    "given",
    [
        {},
        {"clip_grad_norm": 0.5, "momentum": 0.0},
        {"precision": "bf16"},
        {"optimizer": "adam", "lr": 0.001, "lr_schedule": "none"},
        {"optimizer": "adamax", "lr": 0.001},
        {"optimizer": "rmsprop", "lr": 0.001, "lr_schedule": "step", "lr_step_epochs": 1},
        {"optimizer": "asgd"},
        {"optimizer": "rprop", "lr": 0.001},
    ],
)


#: Groups of weights with an lr each, Muon, and images that are varied once an epoch.
AIRBENCH = {"augment": "alternating flip and shift", "lr_schedule": "linear"}


@pytest.mark.parametrize("most", [ONE, MANY])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_muon_and_groups_of_weights_are_recorded(precision: str, most: int) -> None:
    training = on_gpu(load_lecture(find_lecture("airbench")), precision=precision, **AIRBENCH)
    assert len(graphed(training, most)) == 3 * 21
    assert training.pending_warnings == []


@pytest.mark.gpu_numbers
@pytest.mark.parametrize("most", [ONE, MANY])
def test_muon_and_groups_have_the_losses_of_plain_steps_in_a_graph(most: int) -> None:
    lecture = load_lecture(find_lecture("airbench"))
    recorded, steps = graphed(on_gpu(lecture, **AIRBENCH), most), eager(on_gpu(lecture, **AIRBENCH))
    torch.testing.assert_close(recorded, steps, rtol=0.02, atol=0.02)


@every_optimizer
@pytest.mark.parametrize("net", ["softmax", "own"])
def test_steps_with_every_optimizer_are_recorded(net: str, given: dict[str, Any]) -> None:
    training = on_gpu(lecture_with(net), **given)
    assert len(graphed(training)) == training.step == 3 * 21
    assert training.pending_warnings == []


@pytest.mark.gpu_numbers
@every_optimizer
@pytest.mark.parametrize("net", ["softmax", "own"])
@pytest.mark.parametrize("most", [ONE, MANY])
def test_graphs_have_the_losses_of_plain_steps(net: str, given: dict[str, Any], most: int) -> None:
    training = on_gpu(lecture_with(net), **given)
    losses = graphed(training, most)
    other = on_gpu(lecture_with(net), **given)
    tolerance = 0.05 if given.get("precision") else 2e-3
    torch.testing.assert_close(losses, eager(other), rtol=tolerance, atol=tolerance)
    ours, theirs = training.model.state_dict(), other.model.state_dict()
    assert ours.keys() == theirs.keys()
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], rtol=0.05, atol=0.02)


@pytest.mark.parametrize("is_resident", [True, False])
def test_graphs_draw_the_random_numbers_of_plain_steps(
    monkeypatch: pytest.MonkeyPatch, is_resident: bool
) -> None:
    """For dropout and augmentation, in the same order: so a run may stop and resume anywhere."""
    if not is_resident:
        monkeypatch.setattr(device_split, "_RESIDENT_LIMIT", 0)
    states = []
    for run in (eager, lambda training: graphed(training, ONE), graphed):
        training = on_gpu(lecture_with("own"), augment="flip and shift")
        run(training)
        assert training.pending_warnings == []
        states.append(random_state())
    assert states[0] == states[1] == states[2]


@pytest.mark.parametrize("net", NOT_RECORDED)
def test_a_net_that_cannot_be_recorded_trains_with_plain_steps(net: str) -> None:
    """On the stream of before, with the random numbers of a run that was never recorded."""
    stream = torch.cuda.current_stream()
    training = on_gpu(lecture_with(net))
    assert len(graphed(training)) == training.step == 3 * 21
    (text,) = training.pending_warnings
    assert NOT_RECORDED[net][1] in text
    assert training.parts == 1
    assert torch.cuda.current_stream() == stream
    state = random_state()
    eager(on_gpu(lecture_with("own")))
    assert random_state() == state


@pytest.mark.gpu_numbers
@pytest.mark.parametrize("net", NOT_RECORDED)
def test_plain_steps_after_a_failed_recording_have_the_usual_losses(net: str) -> None:
    losses = graphed(on_gpu(lecture_with(net)))
    usual = eager(on_gpu(lecture_with("reads" if net == "reads" else "own")))
    torch.testing.assert_close(losses, usual, rtol=2e-3, atol=2e-3)


def test_runs_leave_no_memory_behind() -> None:
    def used() -> tuple[int, int]:
        gc.collect()
        torch.cuda.empty_cache()
        return torch.cuda.memory_allocated(), torch.cuda.memory_reserved()

    graphed(on_gpu(lecture_with("own")))
    before = used()
    for _ in range(4):
        for net in ("own", "waits"):
            graphed(on_gpu(lecture_with(net)))
    assert used() == before


def test_a_second_thread_may_wait_for_the_gpu_while_a_step_is_watched() -> None:
    number, is_over = torch.ones(1, device="cuda"), threading.Event()

    def wait() -> None:
        while not is_over.is_set():
            number.item()

    thread = threading.Thread(target=wait)
    with counted_host_waits() as waits:
        thread.start()
        torch.ones(2, device="cuda").add_(1)
        assert waits.count == 0
        is_over.set()
        thread.join()
        assert waits.count == 0
        number.item()
    assert waits.count == 1
    assert torch.cuda.get_sync_debug_mode() == 0


def test_a_device_that_has_failed_does_not_keep_a_run_from_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    training = on_gpu(lecture_with("own"))
    with monkeypatch.context() as patch:
        patch.setattr(recorder, "_free_workspaces", fail)
        assert len(graphed(training)) == 3 * 21
    graphed(training)


def test_graphs_of_two_runs_at_once_do_not_meet() -> None:
    """Each records on a stream of its own."""
    first, second = (CudaRecorder(torch.device("cuda:0")) for _ in range(2))
    assert first._stream != second._stream
    first.close()
    third = CudaRecorder(torch.device("cuda:0"))
    assert third._stream == first._stream
    for each in (second, third):
        each.close()


@pytest.mark.parametrize("stop_after", [2, 10, 23, 40])
def test_a_resumed_run_has_the_random_numbers_of_one_that_went_through(
    tmp_path: Path, stop_after: int
) -> None:
    """A resumed run warms up again, with plain steps; the order of the draws is the same."""
    given = {"device": "cuda", "epochs": 3, "augment": "flip and shift"}
    part = trained(tmp_path / "part", fastest_steps, stop_after=stop_after, **given)
    assert part.completed.step == stop_after
    assert resume(part.session.folder).state == "completed"
    whole = trained(tmp_path / "whole", fastest_steps, **given)
    ours, theirs = (load_checkpoint(each.session.folder.last) for each in (part, whole))
    assert torch.equal(ours["rng"]["cuda"], theirs["rng"]["cuda"])


@pytest.mark.parametrize("device", ["cuda", pytest.param("cpu", marks=pytest.mark.gpu_numbers)])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop", "asgd", "rprop"])
def test_a_run_recorded_on_a_gpu_resumes_there_and_on_the_cpu(
    tmp_path: Path, optimizer: str, device: str
) -> None:
    given = {"device": "cuda", "optimizer": optimizer, "lr": 0.001, "epochs": 3}
    run = trained(tmp_path, fastest_steps, stop_after=40, **given)
    assert not [text for text in warnings_of(run) if "not recorded" in text]
    assert resume(run.session.folder, device=device).state == "completed"
