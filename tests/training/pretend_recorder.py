"""Trains runs whose steps a pretend recorder records, for tests without a GPU."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from models import find_lecture
from models.lecture import Lecture
from models.loading.load import load_lecture
from tests.program import Followed, few_samples
from tui_app.runs.events import Event, Warned
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training import loop, prepare
from tui_app.training.recording.recorded_steps import RecordedSteps
from tui_app.training.recording.recorder import RunSteps
from tui_app.training.start import start_run
from tui_app.training.state import Training
from tui_app.training.steering.control import Control
from tui_app.training.step import make_step
from tui_app.training.step_runner import PlainSteps, StepRunner


class PretendRecorder:
    """Replays by running the steps again on the recorded memory.

    `fails` is an error to raise at each recording, `random` to draw random numbers in it. A `waits`
    recorder says that the host waits. `fits` is the number of steps that its memory is enough for.
    """

    def __init__(self, fails: str = "", *, waits: bool = False, fits: int = 100) -> None:
        self.fails, self.waits, self.fits = fails, waits, fits
        self.runs = self.recorded = 0
        self.replayed: list[int] = []
        self.is_recording = self.has_graphs = self.is_closed = False

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
        if self.fits == 0:
            try:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
            except torch.OutOfMemoryError as error:  # as the end of a recording says it again
                raise RuntimeError("operation failed due to a previous error") from error
        self.fits -= 1
        self.has_graphs = True

        def replay() -> Tensor:
            assert self.has_graphs, "it was discarded"
            losses = steps()
            self.replayed.append(losses.numel())
            return losses

        return replay

    def discard(self) -> None:
        self.has_graphs = False

    def close(self) -> None:
        self.discard()
        self.is_closed = True


def recorded_by(recorder: PretendRecorder) -> Callable[[Training], RecordedSteps]:
    """What makes runners whose steps `recorder` records."""
    return lambda training: RecordedSteps(training, recorder)


def plain(training: Training) -> StepRunner:
    """A runner that records nothing."""
    return PlainSteps(training, make_step(training))


def training_of(lecture: str | Lecture, train: int | None = None, **given: Any) -> Training:
    """A prepared run without a folder, of the first `train` samples of its train set."""
    loaded = load_lecture(find_lecture(lecture)) if isinstance(lecture, str) else lecture
    settings = resolve_settings(loaded, {"device": "cpu"} | given)
    if train is None:
        return prepare.prepare(settings)
    data = few_samples(prepare.read_data(settings), train=train)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepare, "read_data", lambda *args: data)
        return prepare.prepare(settings)


def run_epochs(
    training: Training, runner: StepRunner, epochs: Iterable[int], most: int = 1000
) -> Tensor:
    """Run whole `epochs` as the loop does, at most `most` steps at once: the losses."""
    training.model.train()
    losses = list[Tensor]()
    of_epoch = len(training.batches)
    for epoch in epochs:
        runner.begin_epoch(epoch, 0)
        left = of_epoch
        while left:
            training.apply_lr()
            run = runner.run(min(most, left))
            losses.append(run.losses)
            training.step += len(run.sizes)
            left -= len(run.sizes)
    return torch.hstack(losses).cpu()


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


def warnings_of(run: Followed) -> list[str]:
    """The texts of a run's warnings."""
    return [event.text for event in run.events if isinstance(event, Warned)]


class Net(nn.Module):
    """Has dropout, BatchNorm and, with `looks`, a step that reads its own result on the host."""

    def __init__(self, *, looks: bool = False) -> None:
        super().__init__()
        self.looks = looks
        self.layers = nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10)
        )
        self.layers(torch.zeros(2, 1, 28, 28))

    def forward(self, x: Tensor) -> Tensor:
        out = nn.functional.dropout(self.layers(x), 0.2, self.training)
        return out * 1.0 if self.looks and out.sum().item() > 0 else out
