"""What a process makes of torchrun's variables, and which run a restarted group finds."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from models.fields import InvalidValue
from tests.program import LONGEST, environment, tutorch
from tui_app.commands.arguments import parse
from tui_app.commands.resume import Resume
from tui_app.commands.several_devices import words_to_resume
from tui_app.runs.errors import DeviceUnavailable
from tui_app.runs.run_folder import RunFolder
from tui_app.training.ranks.launch import Launch
from tui_app.training.ranks.launch_agent import describe
from tui_app.training.ranks.launch_folder import FOLDER_VARIABLE, LaunchFolder
from tui_app.training.ranks.rank_device import device_type_of
from tui_app.training.ranks.rank_process import share_threads, this_launch
from tui_app.training.ranks.restarts import find_restarted, record_agents, record_end

TWO_OF_FOUR = Launch(rank=2, count=4, local_rank=0, local_count=2, nodes=2)


@pytest.mark.parametrize(("given", "used"), [(None, "4"), ("1", "4"), ("3", "3"), ("64", "4")])
def test_the_ranks_of_a_machine_share_its_cores(
    given: str | None, used: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tui_app.training.ranks.rank_process.usable_cores", lambda: 8)
    environment = {} if given is None else {"OMP_NUM_THREADS": given}
    share_threads(TWO_OF_FOUR, environment)
    assert environment == {"OMP_NUM_THREADS": used}  # torchrun sets 1 where the user says nothing
    started_here = {FOLDER_VARIABLE: "launch", "OMP_NUM_THREADS": "1"}  # by --devices
    share_threads(TWO_OF_FOUR, started_here)
    assert started_here["OMP_NUM_THREADS"] == "1"


def test_a_number_of_processes_without_ranks_is_refused():
    assert this_launch({}) is None
    assert this_launch({"WORLD_SIZE": "1"}) is None
    with pytest.raises(InvalidValue, match="WORLD_SIZE is 4"):
        this_launch({"WORLD_SIZE": "4", "RANK": "x", "LOCAL_RANK": "0"})


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--sweep", "lr=0.1,0.2", "--devices", "2"), "one device"),
        (("--device", "cuda:1", "--devices", "2"), "one device"),
    ],
)
def test_what_needs_one_device_is_refused_on_several(argv: tuple[str, ...], words: str):
    ended = tutorch("--no-tui", "05", *argv)
    assert ended.exit_code == 2
    assert words in ended.err


def test_torchrun_decides_how_many_devices_there_are(monkeypatch: pytest.MonkeyPatch):
    for name, value in {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    ended = tutorch("--no-tui", "05", "--devices", "3")
    assert ended.exit_code == 2
    assert "torchrun started 2 ranks, not 3" in ended.err


@pytest.mark.parametrize(
    ("cards", "requested", "kind"),
    [(2, "auto", "cuda"), (2, "cuda", "cuda"), (2, "cpu", "cpu"), (1, "auto", "cpu")],
)
def test_each_rank_of_a_machine_has_a_card_or_all_train_on_the_cpu(
    cards: int, requested: str, kind: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cards)
    assert device_type_of(TWO_OF_FOUR, requested) == kind
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(DeviceUnavailable, match="2 ranks on this machine need 2 CUDA devices"):
        device_type_of(TWO_OF_FOUR, "cuda")


def test_a_restarted_group_finds_the_run_of_its_agent_alone(tmp_path: Path):
    assert find_restarted(tmp_path, "host 1 boot") is None
    mine, other = (RunFolder.create(tmp_path, "net") for _ in range(2))
    record_agents(mine, ["host 1 boot", "host2 7 boot2"])
    record_agents(other, ["host 1 another boot"])
    found = find_restarted(tmp_path, "host2 7 boot2")
    assert found is not None
    assert (found.folder.path, found.has_begun, found.exit_code) == (mine.path, False, None)
    mine.run_json.write_text("{}", encoding="utf-8")
    record_end(mine, 1, "diverged")
    ended = find_restarted(tmp_path, "host 1 boot")
    assert ended is not None
    assert (ended.has_begun, ended.exit_code, ended.reason) == (True, 1, "diverged")
    for damaged in ('{"agents": 5}', '{"agents": "host 1 boot"}', "[]", '{"agents'):
        newer = RunFolder.create(tmp_path, "net")
        (newer.path / ".launch.json").write_text(damaged, encoding="utf-8")
    beside = find_restarted(tmp_path, "host 1 boot")
    assert beside is not None
    assert beside.folder.path == mine.path


def test_rank_0_tells_its_exit_code_to_the_program_that_started_it(tmp_path: Path):
    folder = LaunchFolder(tmp_path)
    assert folder.read_exit_code() is None
    folder.write_exit_code(130)
    assert folder.read_exit_code() == 130
    LaunchFolder(tmp_path / "gone").write_exit_code(0)  # that program was killed


def test_the_agent_says_how_a_run_goes_on_only_if_there_is_one_and_the_user_didnt_stop_it(
    tmp_path: Path,
):
    folder, run = LaunchFolder(tmp_path), tmp_path / "my runs" / "net" / "20260101-000000-abcd"
    killed = {0: _failure(-signal.SIGTERM, at=2), 1: _failure(-signal.SIGKILL, at=1)}
    text = "rank 1 (process 7) was killed by SIGKILL, and the others were ended"
    assert describe(killed, folder) == f"{text}\n"
    folder.write_run(run)
    advice = f"`tutorch resume '{run}'` continues the run from its last checkpoint"
    assert describe(killed, folder) == f"{text}. {advice}\n"
    assert describe({0: _failure(3, at=1)}, folder) == ""  # rank 0 has said why
    folder.write_stop(signal.SIGTERM)
    assert describe(killed, folder) == ""


def _failure(exit_code: int, *, at: int) -> Any:
    return SimpleNamespace(exitcode=exit_code, timestamp=at, pid=7)


@pytest.mark.parametrize(
    "argv",
    [
        ("12", "--epochs", "12", "--devices", "2"),
        ("--no-tui", "--devices", "12", "12", "--epochs=12"),
        ("--max-time", "12", "--quiet", "12"),
    ],
)
def test_only_the_name_of_the_run_becomes_its_path(argv: tuple[str, ...], tmp_path: Path):
    words = words_to_resume(argv, RunFolder(tmp_path))
    place = words.index(str(tmp_path))
    assert argv[place] == "12"
    assert [*words[:place], "12", *words[place + 1 :]] == list(argv)
    assert parse(Resume, words, "devices", "max_time")[0].run == str(tmp_path)


#: A follower that fails, and then waits a moment for torchrun to end it.
_FOLLOWER = """
import os, sys
from tui_app.training.ranks import rank_process
from tui_app.training.ranks.launch import Launch
rank_process._PATIENCE = 0.1
follower = Launch(rank=1, count=2, local_rank=1, local_count=2)
rank_process.begin_rank(follower)
print("on stdout")
print("why it failed", file=sys.stderr)
os.write(2, b"a library's warning")
if "joined" in sys.argv:
    rank_process.discard_errors()
    print("what rank 0 says too", file=sys.stderr)
rank_process.end_rank(follower, 2 if "failed" in sys.argv else 0)
"""


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (("failed",), "why it failed\na library's warning"),
        (("failed", "joined"), ""),
        ((), ""),
    ],
)
def test_a_follower_that_fails_alone_before_it_joins_says_why(words: tuple[str, ...], printed: str):
    follower = [sys.executable, "-c", _FOLLOWER, *words]
    ended = subprocess.run(
        follower, env=environment(), capture_output=True, text=True, check=True, timeout=LONGEST
    )
    assert (ended.stdout, ended.stderr) == ("", printed)
