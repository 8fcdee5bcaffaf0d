"""Tests the rules on real runs: faulty ones, whose advice works, and a healthy one per lecture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets import Data, read_dataset
from tests.inspection.test_diagnosis import diagnosed
from tests.program import few_samples, train, tutorch
from tui_app.inspection.diagnosis import Advice, diagnose
from tui_app.inspection.diagnosis.recorded_observations import observations_of_run
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings.recorded_settings import read_settings
from tui_app.runs.settings.run_settings import RunSettings, as_record, resolve_settings
from tui_app.training import prepare

#: The fault of a run, and its command line.
FAULTY = {
    "stuck at the base rate": "07",
    "plateau": "05 --dataset noisy-line --lr 1e-7 --epochs 40",
    "overfitting": "07 --dataset moons",
}

#: A user's faulty nets: the model, the criterion, the data, words of the advice. The net itself is
#: faulty, since how a lecture diverges at lr 100 differs from processor to processor.
NETS = {
    "dead ReLUs": (
        "self.relu(x - 1000).sum(1, True) * self.u",
        "nn.BCEWithLogitsLoss()",
        "breast-cancer",
        "100 % of the 30 ReLUs of layer 1",
    ),
    "saturated activations": (
        "self.tanh(100 * x) * self.u",
        "nn.MSELoss()",
        "study-hours",
        "100 % of the outputs of layer 1 (Tanh)",
    ),
    "exploding gradients": (  # of 2000 whatever the error, so that u jumps to 20 and back to 0
        "1000 * x * self.u",
        "nn.L1Loss()",
        "study-hours",
        "A gradient has norm 2.0e+03",
    ),
    "saddle": (
        "x * self.u.cos()",
        "nn.MSELoss()",
        "study-hours",
        "--seed 1, which starts from other weights",
    ),
    "constant output": (
        "x * self.u * self.v",
        "nn.MSELoss()",
        "study-hours",
        "all weights are 0, and so is every gradient. Begin with random weights",
    ),
    "log 0": (  # nn.BCELoss itself is refused
        "(x.sum(1, True) * 0 + self.u - 1).relu()",
        "type('Loss', (nn.BCELoss,), {})()",
        "breast-cancer",
        "-100",
    ),
    "not a number": ("(x * self.u - 1).log()", "nn.MSELoss()", "study-hours", "log of 0"),
}
NET = '''"""A net."""
import torch
from torch import nn
from models.lecture import Hyperparameters, Lecture
class Net(nn.Module):
    def __init__(self, spec, hyperparameters):
        super().__init__()
        self.u = nn.Parameter(torch.zeros(1))
        self.v = nn.Parameter(torch.zeros(1))
        self.relu, self.tanh = nn.ReLU(), nn.Tanh()
    def forward(self, x):
        return {model}
LECTURE = Lecture(title="A", title_zh="A", datasets=("{data}",), model=Net, metric="loss",
                  criterion=lambda: {criterion}, hyperparameters=Hyperparameters(epochs=8))
'''


def applied(settings: RunSettings, advice: Advice) -> RunSettings:
    """The settings of a new run that follows the advice, as a key of the app applies them."""
    record = as_record(settings)
    given = {**record["hyperparameters"], **record["options"], **advice.settings}
    return resolve_settings(settings.lecture, given)


@pytest.mark.parametrize("name", FAULTY)
def test_a_faulty_run_gets_advice_that_changes_its_settings(
    name: str, trained: Callable[..., Path]
):
    folder = trained(*FAULTY[name].split())
    found = diagnosed(folder)
    assert name in found
    advice = found[name]
    assert advice.settings
    settings = applied(read_settings(RunFolder(folder)), advice)
    assert as_record(settings) != as_record(read_settings(RunFolder(folder)))


@pytest.mark.parametrize("name", NETS)
def test_a_users_faulty_net_gets_advice(name: str, tmp_path: Path):
    model, criterion, data, words = NETS[name]
    path = tmp_path / "net.py"
    path.write_text(NET.format(model=model, criterion=criterion, data=data), encoding="utf-8")
    ended = tutorch("--no-tui", path)
    folder = RunFolder(ended.run)
    if name == "not a number":
        assert ended.exit_code == 1
        (advice,) = diagnose(observations_of_run(folder))
        assert advice.name == name
    else:
        advice = diagnosed(folder.path)[name]
    assert words in advice.sentence
    applied(read_settings(folder), advice)


@pytest.mark.usefixtures("small_data")
def test_a_deep_plain_net_has_vanishing_gradients(trained: Callable[..., Path]):
    plain = ("resnet", "--blocks", "8", "--shortcut", "none", "--epochs", "1")
    found = diagnosed(trained(*plain))
    assert found["vanishing gradients"].settings == {"shortcut": "identity"}
    assert not diagnosed(trained("resnet", "--blocks", "8", "--epochs", "1"))


def test_classes_out_of_balance_are_named(tmp_path: Path):
    random = np.random.RandomState(0)
    rows = [f"{x:.3f},{y:.3f},{'rare' if i % 20 == 0 else 'common'}"
            for i, (x, y) in enumerate(random.randn(200, 2))]  # fmt: skip
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["x,y,kind", *rows]), encoding="utf-8")
    folder = train("softmax", "--dataset", f"csv:{table}", "--target", "kind", "--epochs", "3")
    assert "95.0 % of the train set is common" in (
        diagnosed(folder)["classes out of balance"].sentence
    )


def _read_as(monkeypatch: pytest.MonkeyPatch, change: Callable[[Data], Data]) -> None:
    def read(name: str, *_: object, **chosen: Any) -> Data:
        return change(read_dataset(name, **chosen))

    monkeypatch.setattr(prepare, "read_dataset", read)


def test_a_test_set_that_is_the_train_set_is_found(monkeypatch: pytest.MonkeyPatch):
    _read_as(monkeypatch, lambda data: replace(data, test=data.train))
    found = diagnosed(train("07", "--activation", "tanh", "--epochs", "3"))
    assert found["train and test are the same"].settings == {"validation": 0.2}


IMAGES = [
    ("10_basic", "--epochs", "8"),
    ("10_deeper", "--epochs", "14"),
    ("lenet", "--epochs", "8"),
    ("resnet", "--epochs", "6"),
    ("googlenet", "--epochs", "6"),
    pytest.param(("densenet", "--epochs", "6"), marks=pytest.mark.slow),
]


@pytest.mark.parametrize("argv", IMAGES, ids=lambda argv: argv[0])
def test_a_healthy_net_of_images_gets_no_false_alarm(
    argv: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
):
    """On 320 scans: enough to learn from, few enough for a short test."""
    _read_as(monkeypatch, lambda data: few_samples(data, 320, 100))
    assert diagnosed(train(*argv)) == {}


def test_lecture_8_with_tanh_gets_no_false_alarm(trained: Callable[..., Path]):
    assert diagnosed(trained("08_data", "--activation", "tanh", "--epochs", "30")) == {}
