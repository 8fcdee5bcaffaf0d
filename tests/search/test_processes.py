"""Several processes that search at once: some are killed, and a program with workers of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from models import find_lecture
from models.loading.load import load_lecture
from tests.program import LONGEST, command, environment
from tests.search.killing import kill_two
from tui_app.headless.search_output import TrialLines
from tui_app.headless.search_request import SearchRequest
from tui_app.headless.search_workers import Workers, visible_cards
from tui_app.runs.process_identity import is_running
from tui_app.search.summary import read_study
from tui_app.terminal.printing import stderr_console


def test_four_processes_of_which_two_are_killed_train_every_trial_once(tmp_path: Path):
    kill_two(tmp_path, trials=6, longest=0.5)


@pytest.mark.slow
def test_workers_share_a_study_one_that_is_killed_is_replaced_and_ctrl_c_saves_all(
    tmp_path: Path,
):
    words = ("softmax", "--vary", "lr=0.01..0.1", "--epochs", 100_000, "--widths", 8)
    words += ("--device", "cpu", "--study", "w", "--workers", 2, "--runs-dir", tmp_path)
    parent = subprocess.Popen(
        command("search", *words),
        env=environment(OMP_NUM_THREADS="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        first, second = _trained(tmp_path, {0, 1}).values()
        os.kill(first, signal.SIGKILL)
        again = _trained(tmp_path, {0, 1}, without=first)
        assert second in again.values()
        parent.send_signal(signal.SIGINT)
        out, err = parent.communicate(timeout=LONGEST)
    finally:
        parent.kill()
    assert parent.returncode == 130, err
    assert "was killed by signal 9: its trial is taken again" in err
    assert f"tutorch search --study w --runs-dir {tmp_path}" in err
    assert out == ""
    assert not any(is_running(pid) for pid in again.values())
    states = {trial.number: trial.state for trial in read_study("w", tmp_path).trials}
    assert states == {0: "stopped", 1: "stopped"}


#: In place of a worker: one trial; the first of them dies then, as the file says that it is first.
STAND_IN = """
import json, os, pathlib, signal, sys
place = pathlib.Path(sys.argv[1])
try:
    place.joinpath("first").touch(exist_ok=False)
    is_first = True
except FileExistsError:
    is_first = False
trial = dict(number=os.getpid(), state="completed", value=0.5, reason="", seconds=1.0)
print(json.dumps({**trial, "settings": {"lr": "0.123456"}}), flush=True)
if is_first:
    os.kill(os.getpid(), signal.SIGKILL)
print("tutorch: this goes wrong\x1b[31m", file=sys.stderr)
print(os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ["TUTORCH_STORAGE"], file=sys.stderr)
sys.exit(3 if place.joinpath("fail").exists() else 0)
"""


@pytest.mark.parametrize("code", [0, 3])
def test_the_output_of_workers_is_printed_in_one_place(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    if code:
        (tmp_path / "fail").touch()
    lecture = load_lecture(find_lecture("softmax"))
    request = SearchRequest(
        name="s", runs_dir=tmp_path, storage="a://b:c@d", lecture=lecture, workers=2
    )
    console = stderr_console()
    lines = TrialLines(console, "test_accuracy", higher=True, as_json=False)
    workers = Workers(request, console, lines)
    assert "a://b" not in " ".join(workers.command())  # a list of processes shows no password
    monkeypatch.setattr(workers, "command", lambda: [sys.executable, "-c", STAND_IN, str(tmp_path)])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-5")
    unfinished = SimpleNamespace(is_unfinished=True)
    monkeypatch.setattr(SearchRequest, "summary", lambda request: unfinished)
    assert workers.run() == code
    printed = capsys.readouterr().err
    assert printed.count("test accuracy 50.00 %  lr 0.1235 (1.0 s)") == 3
    assert printed.count("was killed by signal 9: its trial is taken again") == 1
    assert printed.count(r"this goes wrong\x1b[31m") == 2
    assert printed.count("best so far") == 1
    assert "a://b:c@d" in printed
    assert {line.split()[2] for line in printed.splitlines() if "a://b" in line} == {"3", "GPU-5"}


def test_the_cards_of_a_machine_are_those_that_the_environment_leaves():
    assert visible_cards({"CUDA_VISIBLE_DEVICES": " 2, GPU-1 "}) == ["2", "GPU-1"]
    assert visible_cards({"CUDA_VISIBLE_DEVICES": ""}) == []
    assert visible_cards({"CUDA_VISIBLE_DEVICES": "-1"}) == []


def _trained(runs: Path, numbers: set[int], without: int = 0) -> dict[int, int]:
    """The pid of the process that trains each trial, once all of them are trained."""
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        found = {}
        for path in runs.glob("*/*/status.json"):
            status = json.loads(path.read_text())
            record = json.loads(path.with_name("run.json").read_text())
            found[record["study"]["trial"]] = status["pid"]
        if found.keys() == numbers and without not in found.values():
            return dict(sorted(found.items()))
        time.sleep(0.05)
    raise TimeoutError(f"no program trains {numbers}")
