"""run.json as a typed record: defaults of earlier versions, wrong types, a metric's direction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.pilot import recorded_folder
from tests.program import train, tutorch
from tui_app.runs.errors import DamagedRun
from tui_app.runs.listing import summarise
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_record import RunRecord

LEAST = {"lecture": "mine", "dataset": "digits", "hyperparameters": {"epochs": 3}}


def test_a_record_of_an_earlier_version_has_defaults():
    record = RunRecord.of(LEAST)
    assert (record.epochs, record.steps_per_epoch, record.lr) == (3, 1, 0.0)
    assert (record.source, record.options, record.threads_reason) == (None, {}, "")
    assert record.devices == 1


@pytest.mark.parametrize(
    "change",
    [
        {"lecture": None},
        {"dataset": 3},
        {"hyperparameters": {}},
        {"hyperparameters": {"epochs": "x"}},
        {"hyperparameters": {"epochs": 10**400}},
        {"options": []},
        {"threads": "x"},
        {"base_rates": {"loss": "x"}},
        {"created": "soon"},
        {"source": {"path": 3}},
        {"source": {"path": "net.py", "files": {"net.py": 3}}},
    ],
)
def test_a_field_of_another_type_makes_the_run_damaged(tmp_path: Path, change: dict[str, Any]):
    folder = recorded_folder(tmp_path)
    folder.run_json.write_text(json.dumps({"schema_version": 1, **LEAST, **change}))
    with pytest.raises(DamagedRun, match=r"run\.json is damaged: "):
        folder.read_record()
    assert summarise(folder).state == "damaged"


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("test_accuracy", True), ("validation_accuracy", True), ("train_loss", False), ("", False)],
)
def test_an_earlier_record_has_the_direction_that_its_metric_declares(metric: str, expected: bool):
    assert RunRecord.of({**LEAST, "metric": metric}).higher_is_better is expected


def test_the_recorded_direction_decides_which_run_is_best(tmp_path: Path):
    record = {**LEAST, "metric": "test_error_of_accuracy", "higher_is_better": False}
    assert RunRecord.of(record).higher_is_better is False
    run = train("softmax", "--epochs", 1, "--runs-dir", tmp_path)
    assert json.loads((run / "run.json").read_text())["higher_is_better"] is True
    run = train("04", "--epochs", 1, "--runs-dir", tmp_path)
    assert RunFolder(run).read_record().higher_is_better is False


def test_a_sweep_ranks_its_runs_by_the_direction_of_the_metric(tmp_path: Path):
    argv = ("--no-tui", "04", "--epochs", 1, "--sweep", "lr=0.001,0.01", "--runs-dir", tmp_path)
    table = tutorch(*argv).out
    assert table.index("0.01 ") < table.index("0.001 ")  # the larger lr has the lower loss


def test_resuming_reads_run_json_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run = train("04", "--epochs", 1, "--runs-dir", tmp_path)
    reads: list[RunFolder] = []
    read_record = RunFolder.read_record
    monkeypatch.setattr(
        RunFolder, "read_record", lambda folder: reads.append(folder) or read_record(folder)
    )
    assert tutorch("resume", run, "--epochs", 2, "--no-tui").exit_code == 0
    assert len(reads) == 1


def test_a_metric_that_is_not_declared_is_refused(tmp_path: Path):
    net = tmp_path / "net.py"
    net.write_text(
        "from torch import nn\n"
        "from models.lecture import Lecture\n"
        "LECTURE = Lecture(title='', title_zh='', datasets=('digits',), metric='f1',\n"
        "    criterion=nn.CrossEntropyLoss, model=lambda spec, hp: nn.Sequential(\n"
        "        nn.Flatten(), nn.Linear(784, 10)))\n"
    )
    ended = tutorch("--no-tui", net, "--epochs", 1, "--runs-dir", tmp_path / "runs")
    assert ended.exit_code != 0
    assert "metric= is 'accuracy' or 'loss', not 'f1'" in ended.err
