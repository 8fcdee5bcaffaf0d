"""A run in a process of its own: how it begins, ends and fails, without training anything."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from models import find_lecture
from models.loading.load import load_lecture
from models.user_files.trust import allow_named_file
from tests.pilot import recorded_events, recorded_folder
from tests.program import LONGEST
from tui_app.monitoring import process_run
from tui_app.monitoring.local_run import LocalRun
from tui_app.monitoring.new_runs import new_runs, resumed_run
from tui_app.monitoring.process_run import OUTPUT, ProcessRun
from tui_app.monitoring.run_command import NewRunCommand, ResumeCommand
from tui_app.runs.metrics.metrics_file import MetricsFile
from tui_app.runs.process_identity import identity
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training.session_request import ResumeRequest


class Command:
    """Trains in a folder that is there."""

    devices, is_new = 2, True

    def __init__(self, folder: RunFolder, *words: str) -> None:
        self.folder = folder
        self._words = list(words)

    def open_folder(self) -> RunFolder:
        """The folder."""
        self.folder.path.mkdir(parents=True, exist_ok=True)
        return self.folder

    def words(self, folder: RunFolder) -> list[str]:
        """The words that the test gives."""
        return self._words


class Process:
    """Stands in for a process; `exit` ends it."""

    pid = 12345

    def __init__(self) -> None:
        self.returncode: int | None = None
        self.is_terminated = False

    def poll(self) -> int | None:
        """The exit code, once it has one."""
        return self.returncode

    def terminate(self) -> None:
        """Remember that a signal was sent."""
        self.is_terminated = True


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Process:
    """The process that a started run has; it does nothing."""
    process = Process()
    monkeypatch.setattr(process_run, "start_detached", lambda words, output: process)
    return process


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """The folder of a run that hasn't begun."""
    recorded = recorded_folder(tmp_path / "others")
    folder = RunFolder(tmp_path / "runs" / recorded.name)
    folder.path.mkdir(parents=True)
    return folder


def begin(folder: RunFolder, tmp_path: Path, **status: Any) -> None:
    """Record what a run of two ranks records in its first epochs, as this process."""
    shutil.copy(tmp_path / "others" / folder.name / "run.json", folder.run_json)
    metrics = MetricsFile(folder.metrics)
    for event in recorded_events(folder.name, 2):
        metrics(event)
    metrics.close()
    here = {"host": socket.gethostname(), "pid": os.getpid(), "identity": identity(os.getpid())}
    ranks = [{"rank": n, "host": here["host"], "device": "cpu"} for n in range(2)]
    values = {"state": "running", **here, "ranks": ranks, **status}
    folder.status.write_text(json.dumps(values), encoding="utf-8")


def started(folder: RunFolder, *words: str) -> ProcessRun:
    run = ProcessRun("softmax", Command(folder, *words))
    run.start()
    return run


def test_what_prevents_a_run_is_its_failure_and_leaves_no_folder(folder: RunFolder):
    run = started(folder, "nothing-like-this", "--no-tui")
    assert run.is_alive and not run.is_over and run.folder is None
    assert run.join(LONGEST)
    assert run.poll()
    assert run.is_over and not run.history.is_open
    assert run.failure is not None and run.failure.exit_code == 2
    assert run.failure.sentence.startswith("no command or lecture is called 'nothing-like-this'")
    assert not folder.path.exists()


def test_a_run_that_begins_is_read_from_its_folder(
    folder: RunFolder, process: Process, tmp_path: Path
):
    run = started(folder)
    assert (run.name, run.stage) == ("softmax", "starting 2 processes")
    (folder.path / OUTPUT).write_text("tutorch: a note\n\ntraining images: 3 of 9 MB\n")
    run.control.pause()  # nothing to pause yet
    assert (run.stage, run.poll(), run.history.info) == ("training images: 3 of 9 MB", False, None)
    begin(folder, tmp_path)
    assert run.poll()
    assert (run.folder, run.name, run.stage) == (folder.path, folder.name, "")
    assert (run.history.step, run.history.state) == (46, "running")
    assert [rank.device for rank in run.history.ranks] == ["cpu", "cpu"]
    begin(folder, tmp_path, state="completed")
    process.returncode = 0
    run.poll()
    assert run.is_over and run.failure is None and run.history.state == "completed"


def test_a_resumed_run_begins_once_another_process_trains_it(
    folder: RunFolder, process: Process, tmp_path: Path
):
    begin(folder, tmp_path, state="stopped", pid=1)
    run = started(folder)
    run.poll()
    assert run.folder is None and run.history.info is None
    begin(folder, tmp_path)
    run.poll()
    assert run.folder == folder.path and run.history.state == "running"


def test_a_run_that_is_killed_says_what_its_launcher_said(
    folder: RunFolder, process: Process, tmp_path: Path
):
    run = started(folder)
    begin(folder, tmp_path)
    run.poll()
    with (folder.path / OUTPUT).open("a") as output:
        output.write("epoch 2  train loss 1\nrank 0 (process 7) was killed by SIGKILL, ...\nbye\n")
    process.returncode = -9
    run.poll()
    assert not run.is_over, "without its launcher it still trains"
    begin(folder, tmp_path, identity="of another process")
    run.poll()
    assert run.is_over and run.history.state == "crashed"
    assert run.failure is not None
    assert run.failure.sentence == "rank 0 (process 7) was killed by SIGKILL, ..."


def test_stopping_before_it_trains_ends_the_process(folder: RunFolder, process: Process):
    run = started(folder)
    run.control.stop()
    assert process.is_terminated
    process.returncode = 143
    run.poll()
    assert run.failure is not None
    assert (run.failure.sentence, run.failure.exit_code) == (process_run._CANCELLED, 0)
    assert not folder.path.exists()


def test_a_run_that_cannot_be_resumed_keeps_its_files(folder: RunFolder, process: Process):
    folder.last.write_bytes(b"weights")
    run = ProcessRun("softmax", ResumeCommand(ResumeRequest(folder), 2))
    run.start()
    process.returncode = 1
    run.poll()
    assert run.is_over and run.failure is not None
    assert folder.last.read_bytes() == b"weights"


def test_only_a_run_on_several_devices_has_a_process(tmp_path: Path):
    lecture = load_lecture(find_lecture("softmax"))
    settings = [resolve_settings(lecture, {"devices": devices}) for devices in (1, 2)]
    alone, shared = new_runs(settings)
    assert isinstance(alone, LocalRun) and isinstance(shared, ProcessRun)
    assert (alone.title, shared.title) == ("devices=1", "devices=2")
    folder = recorded_folder(tmp_path)
    assert isinstance(resumed_run(ResumeRequest(folder)), LocalRun)
    assert isinstance(resumed_run(ResumeRequest(folder, options={"devices": 2})), ProcessRun)
    values = json.loads(folder.run_json.read_text())
    folder.run_json.write_text(json.dumps({**values, "options": {"devices": 3}}))
    assert isinstance(resumed_run(ResumeRequest(folder)), ProcessRun)
    assert isinstance(resumed_run(ResumeRequest(folder, options={"devices": 1})), LocalRun)
    ranks = [{"rank": n, "host": f"node{n}", "device": "cpu"} for n in range(3)]
    folder.status.write_text(json.dumps({"ranks": ranks}))
    assert isinstance(resumed_run(ResumeRequest(folder)), LocalRun), "no machine had them all"


def test_a_changed_file_isnt_trained_in_place_of_the_one_that_was_chosen(tmp_path: Path):
    net = tmp_path / "net.py"
    net.write_text(
        "from torch import nn\n"
        "from models.lecture import Lecture\n"
        "LECTURE = Lecture(title='', title_zh='', datasets=('digits',),\n"
        "    criterion=nn.CrossEntropyLoss, model=lambda spec, hp: nn.Linear(64, 10))\n"
    )
    allow_named_file(net)
    settings = resolve_settings(load_lecture(net), {"devices": 2, "runs_dir": str(tmp_path / "r")})
    command = NewRunCommand(settings)
    folder = command.open_folder()
    assert command.words(folder)[0] == str(net)
    assert {f"--run-folder={folder.path}", "--devices=2"} < {*command.words(folder)}
    net.write_text(net.read_text() + "\n")
    run = ProcessRun("net", command)
    run.start()
    assert run.is_over and run.failure is not None
    assert "net.py has changed since the run was started" in run.failure.sentence


def test_a_resumed_run_is_told_what_changes(tmp_path: Path):
    folder = recorded_folder(tmp_path)
    request = ResumeRequest(folder, epochs=30, options={"device": "cpu"}, source="kept")
    words = ResumeCommand(request, 2).words(folder)
    assert words[:3] == ["resume", str(folder.path), "--no-tui"]
    assert words[3:] == ["--epochs=30", "--source=kept", "--device=cpu", "--devices=2"]
