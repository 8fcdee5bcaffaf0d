"""Runs of version 0.1.0, kept in `earlier/`, are listed, shown, evaluated and resumed.

Version 0.1.0 itself printed the numbers that are expected here.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.program import tutorch
from tests.tolerances import SUMMED

EARLIER = Path(__file__).parent / "earlier"

#: A float32 sum over 359 samples may move one of them across the border of its class.
ONE_SAMPLE = 1 / 359


@pytest.fixture
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the earlier run that the test names, where `tutorch` looks for runs."""
    record = json.loads((EARLIER / request.param / "run.json").read_text(encoding="utf-8"))
    folder = tmp_path / "runs" / record["lecture"] / request.param
    shutil.copytree(EARLIER / request.param, folder)
    return folder


def losses(run: Path) -> list[float]:
    """Every step's training loss, in order."""
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        loss
        for line in map(json.loads, lines)
        if line["kind"] in ("steps", "epochs")
        for loss in line["losses"]
    ]


NAMES = sorted(path.name for path in EARLIER.iterdir())


@pytest.mark.parametrize("run", NAMES, indirect=True)
def test_an_earlier_run_is_listed_and_shown(run: Path):
    (listed,) = tutorch("runs", "--json", "--runs-dir", run.parents[1]).json
    assert listed["state"] == ("stopped" if "stopped" in run.name else "completed")
    shown = tutorch("show", run, "--json").json
    status = json.loads((run / "status.json").read_text(encoding="utf-8"))
    assert shown["best_value"] == status["best_value"]
    assert tutorch("show", run).exit_code == 0


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("finished", {"test_loss": 0.4540377221067636, "test_accuracy": 0.8746518105849582}),
        ("packed_epochs", {"train_loss": 0.033660903573036194}),
    ],
    indirect=["run"],
)
def test_the_best_model_of_an_earlier_run_is_evaluated_alike(run: Path, expected: dict[str, float]):
    measured = tutorch("evaluate", run, "--json").json
    for name, value in expected.items():
        tolerance = ONE_SAMPLE if name == "test_accuracy" else SUMMED
        assert measured[name] == pytest.approx(value, rel=tolerance)


@pytest.mark.parametrize("run", ["stopped_in_mid_epoch"], indirect=True)
def test_an_earlier_stopped_run_resumes_in_mid_epoch(run: Path):
    before = losses(run)
    assert len(before) == 1385  # 719 steps an epoch
    ended = tutorch("resume", run, "--no-tui")
    assert ended.exit_code == 0, ended.err
    after = losses(run)
    assert (len(after), after[: len(before)]) == (3 * 719, before)
    measured = tutorch("evaluate", run, "--json").json
    # 772 steps in float32, each from the roundings of the one before, on any processor.
    assert measured["test_loss"] == pytest.approx(0.2425207706547049, rel=0.02)
    assert measured["test_accuracy"] == pytest.approx(0.9303621169916435, abs=0.02)


@pytest.mark.parametrize("run", ["packed_epochs", "finished"], indirect=True)
def test_an_earlier_finished_run_is_extended(run: Path):
    before = losses(run)
    epochs = json.loads((run / "run.json").read_text(encoding="utf-8"))["hyperparameters"]["epochs"]
    ended = tutorch("resume", run, "--epochs", epochs + 1, "--no-tui")
    assert ended.exit_code == 0, ended.err
    after = losses(run)
    assert after[: len(before)] == before
    assert len(after) == len(before) * (epochs + 1) // epochs
