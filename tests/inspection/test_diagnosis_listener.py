"""Advice while a run trains comes once, in time, and without changing the run."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets import Data, read_dataset
from tests.program import few_samples, metrics_lines, tutorch
from tui_app.inspection.diagnosis import listener
from tui_app.inspection.diagnosis.recorded_observations import observations_of_run
from tui_app.runs.run_folder import RunFolder
from tui_app.training import prepare


@pytest.fixture
def diagnosed_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "_SECONDS", 0.0)
    monkeypatch.setattr(listener, "_SHARE", math.inf)


def advised(run: Path) -> list[str]:
    lines = metrics_lines(RunFolder(run).metrics)
    return [line["name"] for line in lines if line["kind"] == "advice"]


@pytest.mark.usefixtures("diagnosed_every_epoch")
def test_a_faulty_run_gets_its_advice_once_and_in_time():
    ended = tutorch("--no-tui", "07", "--epochs", 30)
    assert ended.err.count("advice: ") == 1
    assert "--activation tanh" in ended.err
    assert advised(ended.run) == ["stuck at the base rate"]
    lines = [line["kind"] for line in metrics_lines(RunFolder(ended.run).metrics)]
    epochs = [kind for kind in lines[: lines.index("advice")] if kind == "epoch"]
    assert 6 <= len(epochs) < 30  # found after the fifth epoch or later, and once more

    more = tutorch("resume", "last", "--epochs", 60, "--no-tui")
    assert "advice: " not in more.err
    assert advised(more.run) == ["stuck at the base rate"]


def test_a_run_that_diverges_gets_an_lr_that_works_at_its_end():
    ended = tutorch("--no-tui", "03", "--lr", 0.3)
    assert advised(ended.run) == ["divergence"]
    assert "Try lr 0.1" in ended.err


def test_a_run_that_ends_before_its_first_diagnosis_is_diagnosed_at_its_end(tmp_path: Path):
    chance = np.random.default_rng(0)
    rows = [f"{value:.3f},{'rare' if n % 20 == 0 else 'common'}"
            for n, value in enumerate(chance.normal(size=200))]  # fmt: skip
    (tmp_path / "lopsided.csv").write_text("\n".join(["width,kind", *rows]) + "\n")
    data = ("--dataset", f"csv:{tmp_path / 'lopsided.csv'}", "--target", "kind")
    ended = tutorch("--no-tui", "softmax", *data, "--epochs", 2)
    assert "classes out of balance" in advised(ended.run)
    assert "is common" in ended.err


def test_the_observed_lr_is_without_the_schedules_factor(trained: Callable[..., Path]):
    run = trained("05", "--epochs", "20", "--lr-schedule", "cosine", "--lr", "0.02")
    assert observations_of_run(RunFolder(run)).lr == 0.02


@pytest.mark.usefixtures("diagnosed_every_epoch")
@pytest.mark.parametrize(
    "argv",
    [
        ("02",),
        ("03", "--epochs", "60"),
        ("04", "--epochs", "30"),
        ("05", "--epochs", "200"),
        ("06", "--epochs", "200"),
        ("07", "--activation", "tanh"),
        ("12",),
        ("softmax", "--epochs", "12"),
        ("10_basic", "--epochs", "8"),
        ("resnet", "--epochs", "6"),
    ],
    ids=" ".join,
)
def test_no_healthy_run_gets_advice_at_any_epoch(argv: tuple[str, ...], monkeypatch):
    if argv[0] in ("10_basic", "resnet"):
        monkeypatch.setattr(prepare, "read_dataset", read_few)
    assert advised(tutorch("--no-tui", *argv).run) == []


def read_few(name: str, *_: object, **chosen: Any) -> Data:
    return few_samples(read_dataset(name, **chosen), train=300, test=60)


@pytest.mark.usefixtures("diagnosed_every_epoch")
def test_the_diagnosis_changes_no_loss(monkeypatch: pytest.MonkeyPatch):
    argv = ("softmax", "--epochs", "6", "--seed", "5")
    watched = tutorch("--no-tui", *argv).run
    monkeypatch.setattr(listener, "_SECONDS", math.inf)
    alone = tutorch("--no-tui", *argv).run
    assert losses(watched) == losses(alone)


UNREADABLE = '''"""A net whose activation layer no probe can read."""
from torch import nn
from models.lecture import Hyperparameters, Lecture
class Net(nn.Module):
    def __init__(self, spec, hyperparameters):
        super().__init__()
        self.layer, self.relu = nn.Linear(1, 1), nn.ReLU()
    def forward(self, x):
        return self.layer(self.relu(input=x))
LECTURE = Lecture(title="A", title_zh="A", datasets=("study-hours",), model=Net,
                  criterion=nn.MSELoss, hyperparameters=Hyperparameters(lr=0.01, epochs=20))
'''


@pytest.mark.usefixtures("diagnosed_every_epoch")
def test_a_model_that_the_diagnosis_cannot_read_is_warned_of_once(tmp_path: Path):
    net = tmp_path / "net.py"
    net.write_text(UNREADABLE, encoding="utf-8")
    ended = tutorch("--no-tui", net)
    assert ended.exit_code == 0
    lines = metrics_lines(RunFolder(ended.run).metrics)
    (warning,) = [line["text"] for line in lines if line["kind"] == "warning"]
    assert "the diagnosis can't read this model" in warning
    assert "IndexError" in warning
    log = RunFolder(ended.run).log.read_text(encoding="utf-8")
    assert log.count("the diagnosis can't read this model") == 1


def losses(run: Path) -> list[float]:
    lines = metrics_lines(RunFolder(run).metrics)
    return [loss for line in lines if line["kind"] == "steps" for loss in line["losses"]]
