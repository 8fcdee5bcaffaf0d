"""Messages to the user: about failures, predictions and what to do next."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.program import tutorch
from tests.training.test_resume import settings
from tui_app.runs.events import Event
from tui_app.training.start import start_run
from tui_app.training.steering.control import Control

BREAKS = '''
"""A net that breaks in its third step."""
from torch import nn
from models.lecture import Hyperparameters, Lecture

class Net(nn.Module):
    def __init__(self, spec, hyperparameters):
        super().__init__()
        self.linear = nn.Linear(1, 1)
        self.steps = 0

    def forward(self, x):
        self.steps += self.training
        if self.steps > 2:
            raise ValueError("no third step")
        return self.linear(x)

LECTURE = Lecture(title="B", title_zh="B", datasets=("study-hours",), model=Net,
                  criterion=nn.MSELoss, hyperparameters=Hyperparameters(lr=0.01))
'''


def test_a_lecture_that_fails_in_training_is_reported_and_the_run_failed() -> None:
    Path("breaks.py").write_text(BREAKS, encoding="utf-8")
    ended = tutorch("--no-tui", "./breaks.py")
    assert ended.exit_code == 1
    assert "no third step" in ended.err
    (run,) = tutorch("runs", "--json").json
    assert run["state"] == "failed"
    log = Path(run["path"], "log.txt").read_text(encoding="utf-8")
    assert "breaks.py" in log
    assert "Traceback" in log


@pytest.mark.parametrize(
    ("lecture", "question", "answer"),
    [("02", "4", "8"), ("06", "9", "pass"), ("12", "hello", "ohlol")],
)
def test_every_kind_of_input_can_be_predicted(lecture: str, question: str, answer: str) -> None:
    assert tutorch("--no-tui", lecture, "--quiet").exit_code == 0
    ended = tutorch("predict", "last", question)
    assert ended.exit_code == 0
    assert ended.out.split()[0] == answer


def test_a_paused_run_accepts_a_new_lr_and_stays_paused(tmp_path: Path) -> None:
    control = Control()
    control.pause()
    events: list[Event] = []
    paused: list[float] = []

    def listener(event: Event) -> None:
        events.append(event)
        if event.kind == "state" and getattr(event, "state", "") == "paused":
            paused.append(time.monotonic())
            if len(paused) == 1:
                control.set_lr(0.05)
            elif len(paused) == 3:
                control.stop()

    session = start_run(settings(tmp_path), control, lambda progress: None)
    session.train(control, [listener])
    assert [event.lr for event in events if event.kind == "control"] == [0.05]  # pyright: ignore[reportAttributeAccessIssue]
    assert paused[2] - paused[1] > 0.5, "it sleeps between two heartbeats"


def test_the_commands_printed_at_the_end_find_the_run(tmp_path: Path) -> None:
    ended = tutorch("--no-tui", "05", "--epochs", "2", "--runs-dir", tmp_path / "else where")
    command = next(line for line in ended.err.splitlines() if line.startswith("show "))
    path = command.split("tutorch show ")[1].strip("'")
    assert tutorch("show", path).exit_code == 0


def test_a_sweep_with_an_impossible_value_trains_nothing() -> None:
    ended = tutorch("--no-tui", "10_basic", "--sweep", "kernel_size=3,99", "--epochs", "1")
    assert ended.exit_code == 2
    assert not Path("runs").exists()


def test_a_run_that_stopped_early_can_be_extended(tmp_path: Path) -> None:
    given = ("--early-stopping", "1", "--epochs", "60")
    assert tutorch("--no-tui", "softmax", *given, "--runs-dir", tmp_path).exit_code == 0
    (first,) = tutorch("runs", "--json", "--runs-dir", tmp_path).json
    assert first["epoch"] < 60
    assert tutorch("resume", "last", "--no-tui", "--runs-dir", tmp_path).exit_code == 0
    (second,) = tutorch("runs", "--json", "--runs-dir", tmp_path).json
    assert second["epoch"] > first["epoch"]
    assert second["created"] == first["created"]
