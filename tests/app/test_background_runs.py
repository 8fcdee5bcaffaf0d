"""Runs that other processes train are shown on the main screen, with a key to attach."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from tests.pilot import in_app, recorded_events, recorded_folder, recorded_run
from tui_app.app.dialogs.pick_from_list import PickFromList
from tui_app.app.screens.run import RunScreen
from tui_app.monitoring.background_runs import background_runs
from tui_app.monitoring.run_queue import RunQueue
from tui_app.runs.events import Advised
from tui_app.runs.metrics.metrics_file import MetricsFile
from tui_app.runs.process_identity import identity
from tui_app.runs.run_folder import RunFolder


def _write_status(folder: RunFolder, **status: object) -> None:
    """Write the status of a run of this process, which is alive."""
    own = {"host": socket.gethostname(), "pid": os.getpid(), "identity": identity(os.getpid())}
    values = {"state": "running", "epoch": 3, "epochs": 20, **own, **status}
    folder.status.write_text(json.dumps(values), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return recorded_folder(tmp_path / "runs")


@pytest.fixture(autouse=True)
def _read_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui_app.app.widgets.background_line._INTERVAL", 0.1)


def test_only_live_runs_of_other_processes_count(folder, tmp_path):
    runs = tmp_path / "runs"
    assert background_runs(runs) == []
    _write_status(folder)
    assert [run.path for run in background_runs(runs)] == [str(folder.path)]
    assert background_runs(runs, [folder.path]) == []
    _write_status(folder, state="paused")
    assert [run.state for run in background_runs(runs)] == ["paused"]
    for ended in ({"state": "completed"}, {"pid": 2**22 + 1}, {"identity": "another"}):
        _write_status(folder, **ended)
        assert background_runs(runs) == []
    folder.status.write_text("{", encoding="utf-8")
    assert background_runs(runs) == []
    assert background_runs(tmp_path / "nowhere") == []


def test_a_background_run_is_shown_and_a_key_attaches(folder):
    @in_app(size=(80, 24))
    async def sit(person):
        line = "background: 09 softmax classifier, digits, epoch 3/20"
        await person.until(lambda: line in person.text and "b: attach" in person.text)
        assert "b Attach" in person.text.splitlines()[-1]
        _write_status(folder, epoch=4)
        await person.until(lambda: "epoch 4/20" in person.text)
        await person.press("b")
        await person.until(lambda: isinstance(person.app.screen, RunScreen))
        assert person.app.screen.shown_run.folder == folder.path
        await person.press("escape")
        _write_status(folder, state="completed")
        await person.until(lambda: "background" not in person.text)
        assert "Attach" not in person.text

    _write_status(folder)
    sit()


def test_the_advice_for_an_attached_run_is_shown_and_applied(folder):
    @in_app(size=(80, 24))
    async def sit(person):
        await person.until(lambda: "b: attach" in person.text)
        await person.press("b")
        await person.until(lambda: "! slow: d sets lr 0.02. Too slow." in person.text)
        await person.press("d")
        await person.until(lambda: person.app.screen is person.app.main)
        await person.until(lambda: person.draft.lecture.name == "lecture_09_softmax_classifier")
        await person.until(lambda: person.draft.text("lr") == "0.02")

    metrics = MetricsFile(folder.metrics)
    about = {"run": folder.name, "epoch": 3, "step": 69, "name": "slow", "text": "Too slow."}
    for event in (*recorded_events(folder.name, 3), Advised(**about, settings={"lr": 0.02})):
        metrics(event)
    metrics.close()
    _write_status(folder)
    sit()


def test_one_of_several_runs_is_chosen(folder):
    @in_app(size=(60, 20))
    async def sit(person):
        await person.until(lambda: "background: 2 runs  b: attach" in person.text)
        await person.press("b")
        await person.until(lambda: isinstance(person.app.screen, PickFromList))
        await person.press("end", "enter")
        await person.until(lambda: isinstance(person.app.screen, RunScreen))

    other = RunFolder(folder.path.with_name("20260201-120000-dcba"))
    other.path.mkdir()
    other.run_json.write_bytes(folder.run_json.read_bytes())
    _write_status(folder)
    _write_status(other)
    sit()


@in_app(size=(80, 24))
async def test_a_run_of_this_process_is_not_in_the_background(person, tmp_path):
    run = recorded_run(tmp_path / "runs")
    person.app.queue = RunQueue([run])
    await person.until(lambda: run.folder is not None)
    assert run.folder is not None
    _write_status(RunFolder(run.folder))
    looks = []
    line = person.app.main.query_one("BackgroundLine")
    shown = line._show
    line._show = lambda runs: (looks.append(runs), shown(runs))
    await person.until(lambda: len(looks) >= 2)
    # A look that began before the status was written may have found it.
    await person.until(lambda: looks[-1] == [] and "background" not in person.text)
