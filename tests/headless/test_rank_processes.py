"""A run on several ranks as its user starts it: with --devices, or with torchrun."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests.faults.rank_trial import RUN, RankTrial
from tests.program import metrics_lines, tutorch
from tui_app.runs.checkpoints.checkpoint import load_checkpoint
from tui_app.training.ranks.launch_folder import LaunchFolder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ranks are found in /proc")


def test_a_killed_rank_is_named_and_ctrl_c_stops_the_resumed_run(tmp_path: Path):
    trial = RankTrial(tmp_path, *RUN, "--epochs", 10**5)
    trial.until_step(30)
    ranks = trial.ranks()
    assert sorted(ranks) == [0, 1]
    assert [rank["rank"] for rank in trial.status["ranks"]] == [0, 1]
    ranks[1].kill()
    exit_code, out = trial.end()
    assert exit_code == 1
    assert out.strip() == str(trial.folder.path)
    host = trial.status["ranks"][1]["host"]
    assert f"rank 1 (host {host}, device cpu)" in trial.said
    assert "on 2 x cpu with 1 thread each (" in trial.said
    assert "Traceback" not in trial.said
    assert trial.status["state"] == "failed"
    assert "rank 1" in trial.status["reason"]
    before = load_checkpoint(trial.folder.last)["step"]

    resumed = RankTrial(tmp_path, "resume", trial.folder.path, "--no-tui", "--json")
    resumed.until(lambda: resumed.status["state"] == "running" and resumed.status["step"] > before)
    resumed.ranks()
    resumed.process.send_signal(signal.SIGINT)
    exit_code, out = resumed.end()
    assert exit_code == 130
    assert '"reason": "stopped by Ctrl-C"' in out.splitlines()[-1]
    stopped = load_checkpoint(trial.folder.last)["step"]
    assert stopped == resumed.status["step"] > before
    alone = tutorch("resume", trial.folder.path, "--no-tui", "--devices", 1, "--max-time", 0.1)
    assert alone.exit_code == 0
    steps = metrics_lines(trial.folder.metrics, "steps")
    trained = [line["first_step"] + i for line in steps for i in range(len(line["losses"]))]
    assert trained == list(range(1, len(trained) + 1))  # none is missing, and none twice


def test_a_stop_before_a_run_has_begun_says_nothing(tmp_path: Path):
    trial = RankTrial(tmp_path, *RUN, "--epochs", 10**5)
    trial.until(lambda: 0 in trial.ranks())
    launch = LaunchFolder.from_environment(trial.ranks()[0].environ())
    assert launch is not None
    trial.until(lambda: launch.read_pid() is not None)
    trial.process.send_signal(signal.SIGTERM)
    assert trial.end() == (143, "")
    assert trial.said == ""


def test_torchrun_restarts_a_run_whose_rank_0_was_killed(tmp_path: Path):
    restarts = ("--max-restarts", "1")
    trial = RankTrial(tmp_path, *RUN, "--epochs", 40, torchrun=restarts)
    trial.until_step(30)
    trial.ranks()[0].kill()
    exit_code, out = trial.end()
    assert exit_code == 0, trial.said
    assert out.strip() == str(trial.folder.path)  # one run folder, which was trained to its end
    assert trial.status["state"] == "completed"
    assert trial.status["epoch"] == 40
