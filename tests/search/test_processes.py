"""Several processes that search at once: some are killed, and a program with workers of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from tests.program import LONGEST, command, environment
from tests.search.killing import kill_two
from tui_app.runs.process_identity import is_running
from tui_app.search.summary import read_study


def test_four_processes_of_which_two_are_killed_train_every_trial_once(tmp_path: Path):
    kill_two(tmp_path, trials=6, longest=0.5)


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
