"""`tutorch lr-find`: the chart, the suggestion, its JSON, and what it refuses."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest

from tests.program import metrics_lines, train, tutorch
from tests.tolerances import FLOAT64


def test_the_chart_has_the_marks_and_ends_with_a_command_that_trains():
    ended = tutorch("lr-find", "03", "--batch-size", "full", "--size", "80x24")
    assert ended.exit_code == 0, ended.err
    lines = ended.out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    for words in ("1e-6", "valley", "steepest", "below the limit", "diverges from lr 0.2"):
        assert words in ended.out
    name, *words = shlex.split(lines[-1])
    assert name == "tutorch"
    assert words[:3] == ["03", "--batch-size", "full"]
    losses = [loss for block in metrics_lines(train(*words) / "metrics.jsonl", "steps")
              for loss in block["losses"]]  # fmt: skip
    assert losses[-1] < 0.01 * losses[0]


def test_the_command_is_printed_in_one_line_however_long_it_is(tmp_path: Path):
    folder = tmp_path / ("a b" * 40)
    folder.mkdir()
    given = ["--seed", "3", "--data-dir", str(folder)]
    ended = tutorch("lr-find", "05", *given, "--size", "60x15")
    assert ended.exit_code == 0, ended.err
    words = shlex.split(ended.out.splitlines()[-1])
    assert words[:-1] == ["tutorch", "05", *given, "--lr"]


def test_it_leaves_no_run_and_no_file(tmp_path: Path):
    assert tutorch("lr-find", "05", "--ascii").out.isascii()
    assert not list(tmp_path.rglob("*.json"))
    assert not (tmp_path / "runs").exists()


def test_json_has_every_step_and_every_trial():
    ended = tutorch("lr-find", "04", "--json", "--lr", "0.5", "--lowest", "1e-5", "--highest", "9")
    assert ended.err == ""
    found = ended.json
    assert found["steps"][0]["lr"] == pytest.approx(1e-5, rel=FLOAT64)
    assert {"lr", "loss", "smoothed"} == set(found["steps"][0])
    assert found["settings_lr"] == 0.5
    assert found["command"] == f"tutorch 04 --lr {found['suggestion']}"
    assert found["limit"]["trains"] < found["limit"]["lr"] < found["limit"]["fails"]
    failed = [trial for trial in found["trials"] if trial["lr"] >= found["limit"]["fails"]]
    assert failed
    assert all(trial["loss"] is None or trial["loss"] > trial["before"] for trial in failed)
    lrs = np.array([step["lr"] for step in found["steps"]])
    assert np.allclose(np.diff(np.log(lrs)), np.log(lrs[1] / lrs[0]), rtol=1e-6)


def test_a_net_without_a_finite_loss_gets_a_sentence_and_exit_1(tmp_path: Path):
    file = tmp_path / "nan_net.py"
    file.write_text(
        "from torch import nn\nfrom models.lecture import Lecture\n\n"
        "class Net(nn.Linear):\n    def __init__(self, spec, hyperparameters):\n"
        "        super().__init__(*spec.input_shape, 1)\n\n    def forward(self, x):\n"
        "        return super().forward(x) * float('nan')\n\n"
        "LECTURE = Lecture(title='Mine', title_zh='Mine', datasets=('noisy-line',), model=Net,\n"
        "    criterion=nn.MSELoss)\n",
        encoding="utf-8",
    )
    ended = tutorch("lr-find", file)
    assert ended.exit_code == 1
    assert ended.out.strip() == "The loss isn't finite in the first step."
    ended = tutorch("lr-find", file, "--json")
    assert ended.exit_code == 1
    assert (ended.json["suggestion"], ended.json["command"]) == (None, "")
    assert ended.json["steps"][0]["loss"] is None


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["02"], "without an lr"),
        (["05", "--optimizer", "lbfgs"], "Choose another optimizer"),
        (["05", "--lowest", "1", "--highest", "0.1"], "two numbers > 0"),
        (["05", "--highest", "nan"], "two numbers > 0"),
        (["05", "--lr", "0"], "lr: a number > 0"),
        (["05", "--size", "1x1"], "--size takes"),
        (["05", "--sweep", "lr=1,2"], "no option '--sweep'"),
    ],
)
def test_what_it_refuses_is_exit_2(argv: list[str], words: str):
    ended = tutorch("lr-find", *argv)
    assert ended.exit_code == 2
    assert words in ended.err


def test_ctrl_c_ends_it_with_130(monkeypatch: pytest.MonkeyPatch):
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tui_app.inspection.lr_finder.restarts.Restarts.trial", interrupted)
    assert tutorch("lr-find", "05").exit_code == 130
