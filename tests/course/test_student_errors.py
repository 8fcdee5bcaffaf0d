"""Common mistakes of students in a net: each message names file, line and what to change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.program import tutorch

FILE = """\
import torch
from torch import nn
from models.lecture import Hyperparameters, Lecture

class Net(nn.Module):
    def __init__(self, spec, hyperparameters):
        super().__init__()
        {init}

    def forward(self, x):
        {forward}

LECTURE = Lecture(title="A", title_zh="A", datasets=({dataset!r},), model={model},
                  criterion={criterion}, hyperparameters=Hyperparameters(epochs=1))
"""


def written(folder: Path, **parts: str) -> Path:
    usual = {
        "init": "self.fc = nn.Linear(784, 10)",
        "forward": "return self.fc(x.flatten(1))",
        "model": "Net",
        "criterion": "nn.CrossEntropyLoss",
        "dataset": "digits",
    }
    path = folder / "my_net.py"
    path.write_text(FILE.format(**usual | parts), encoding="utf-8")
    return path


def refused(path: Path) -> str:
    ended = tutorch("--no-tui", path, "--runs-dir", path.parent / "runs")
    assert ended.exit_code in (1, 2)
    assert not (path.parent / "runs").exists(), "a run was begun with a net that can't train"
    return " ".join(ended.err.split())


IN_INIT = "my_net.py line 8, in __init__"
IN_FORWARD = "my_net.py line 11, in forward"


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        (
            {"init": "self.fc = nn.Linear(784, 7)"},
            [
                "line 10: forward of Net returns 7 outputs, and the data have 10 classes",
                "spec.outputs",
            ],
        ),
        (
            {"init": "self.fc = nn.Linear(784, 12)"},
            ["12 outputs, and the data have 10 classes", "spec.outputs"],
        ),
        ({"forward": "self.fc(x.flatten(1))"}, ["returns nothing", "`return x`"]),
        ({"forward": "return self.fc(x.flatten(1)), x"}, ["returns a tuple", "logits alone"]),
        (
            {"forward": "return self.fc(x.view(-1, 784)).view(-1)"},
            ["returns outputs of shape (N,)", "(N, 10)"],
        ),
        (
            {"forward": "return F.relu(self.fc(x.flatten(1)))"},
            [IN_FORWARD, "name 'F' is not defined", "import torch.nn.functional as F"],
        ),
        ({"forward": "return self.fc1(x)"}, [IN_FORWARD, "no attribute 'fc1'"]),
        (
            {"forward": "return self.fc(x)"},
            [IN_FORWARD, "expects 784 features, but gets 28 (of 1x28x28)"],
        ),
        (
            {"init": "self.fc = nn.Linear(784, hidden)"},
            [IN_INIT, "name 'hidden' is not defined"],
        ),
        (
            {"init": "self.layers = [nn.Linear(784, 10)]", "forward": "return self.layers[0](x)"},
            ["Net has no weights to train", "nn.ModuleList"],
        ),
        ({"model": "Net(None, None)"}, ["my_net.py line 13", "write model=Net without"]),
        (
            {"criterion": "nn.CrossEntropyLoss()"},
            ["write criterion=CrossEntropyLoss without"],
        ),
        (
            {"model": "lambda spec: None"},
            ["takes 1 positional argument but 2 were given", "Net(spec, hyperparameters)"],
        ),
        ({"model": "lambda spec, hyperparameters: None"}, ["`model=` names returns a NoneType"]),
        (
            {"criterion": "nn.MSELoss"},
            [
                "my_net.py line 14: criterion=nn.MSELoss doesn't suit",
                "10 classes: use criterion=nn.CrossEntropyLoss",
            ],
        ),
        (
            {"criterion": "nn.CrossEntropyLoss", "dataset": "study-hours"},
            ["numbers to predict, not classes: use criterion=nn.MSELoss"],
        ),
        (
            {"criterion": "nn.NLLLoss"},
            ["takes log-probabilities", "criterion=nn.CrossEntropyLoss takes logits"],
        ),
        (
            {
                "criterion": "nn.BCELoss",
                "dataset": "breast-cancer",
                "init": "self.fc = nn.Linear(30, 1)",
                "forward": "return torch.sigmoid(self.fc(x))",
            },
            [
                "my_net.py line 14: criterion=nn.BCELoss",
                "accuracy on logits",
                "nn.BCEWithLogitsLoss",
            ],
        ),
        (
            {
                "criterion": "nn.MSELoss",
                "dataset": "study-hours",
                "init": "self.fc = nn.Linear(1, 1)",
                "forward": "return self.fc(x).squeeze()",
            },
            ["outputs of shape (N,)", "(N, 1)", "x.unsqueeze(1)"],
        ),
        (
            {"criterion": 'lambda: nn.CrossEntropyLoss(reduction="none")'},
            ["returns no single number", "reduction='mean'"],
        ),
    ],
)
def test_a_mistake_is_named_with_what_to_change(tmp_path: Path, parts: dict, says: list[str]):
    message = refused(written(tmp_path, **parts))
    for words in says:
        assert words in message


def test_cuda_without_a_gpu_says_to_remove_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import torch

    def no_driver() -> None:
        raise RuntimeError("Found no NVIDIA driver on your system. Please check that you have ...")

    monkeypatch.setattr(torch.cuda, "_lazy_init", no_driver)
    message = refused(written(tmp_path, init="self.w = nn.Parameter(torch.zeros(3).cuda())"))
    assert IN_INIT in message
    assert "remove .cuda() and .to('cuda')" in message


def test_an_extra_softmax_is_noted_and_trains(tmp_path: Path):
    path = written(tmp_path, forward="return self.fc(x.flatten(1)).softmax(dim=1)")
    ended = tutorch("--no-tui", path, "--runs-dir", tmp_path / "runs")
    assert ended.exit_code == 0
    assert "remove the net's own softmax" in (ended.run / "log.txt").read_text(encoding="utf-8")


def test_a_failure_during_training_names_the_line_too(tmp_path: Path):
    path = written(tmp_path, forward="return self.fc(x.flatten(1)).detach()")
    ended = tutorch("--no-tui", path, "--runs-dir", tmp_path / "runs")
    assert ended.exit_code == 1
    assert "The loss doesn't depend on the weights" in ended.err
