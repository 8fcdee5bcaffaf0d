"""Which runs the ranks record, so that torchrun's restart finds them, and what it goes on with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from models import find_lecture
from models.loading.load import load_lecture
from tests.program import train
from tui_app.headless import rank_training
from tui_app.headless.rank_training import RankedRun, train_rank
from tui_app.headless.run import OutputOptions
from tui_app.runs.errors import RunLocked
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training.ranks.launch import Launch
from tui_app.training.ranks.launch_folder import FOLDER_VARIABLE, LaunchFolder
from tui_app.training.ranks.ranks import ALONE
from tui_app.training.ranks.restarts import Restarted
from tui_app.training.session_request import ResumeRequest

_SHORT = ("05", "--epochs", 1)


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What rank 0 meets: a group of one rank, of one agent, without a failure."""
    watch = SimpleNamespace(find_failure=lambda seconds: None)
    joined = SimpleNamespace(group=ALONE, watch=watch, agents=["this agent"])

    @contextmanager
    def join(launch: Launch, *arguments: Any) -> Iterator[SimpleNamespace]:
        joined.launch = launch
        yield joined

    monkeypatch.setattr(rank_training, "joined_rank", join)
    monkeypatch.setattr(rank_training, "agent_of_this", lambda: "this agent")
    return joined


def train_as_rank_0(run: RankedRun, run_id: str = "none") -> int:
    launch = Launch(rank=0, count=1, local_rank=0, local_count=1, run_id=run_id)
    return train_rank(run, OutputOptions(quiet=True), launch)


def resumed(folder: RunFolder, epochs: int) -> RankedRun:
    return RankedRun.resumed(ResumeRequest(folder, epochs), "cpu", "stop")


def recorded_agents(folder: RunFolder) -> Sequence[str]:
    return json.loads((folder.path / ".launch.json").read_text(encoding="utf-8"))["agents"]


def test_a_run_that_another_program_trains_keeps_its_agents(
    joined: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))  # as --devices starts it
    trained = RunFolder(train(*_SHORT))
    (trained.path / ".launch.json").write_text('{"agents": ["another agent"]}', encoding="utf-8")
    with trained.lock(), pytest.raises(RunLocked):
        train_as_rank_0(resumed(trained, epochs=2))
    assert recorded_agents(trained) == ["another agent"]
    assert LaunchFolder(tmp_path).read_run() is None
    assert train_as_rank_0(resumed(trained, epochs=2)) == 0
    assert recorded_agents(trained) == ["this agent"]
    assert LaunchFolder(tmp_path).read_run() == trained.path


def test_a_folder_that_another_program_prepares_keeps_its_agents(
    joined: SimpleNamespace, tmp_path: Path
):
    folder = RunFolder.create(tmp_path, "lecture_05_linear_regression")
    settings = resolve_settings(
        load_lecture(find_lecture("05")), {"epochs": 1, "runs_dir": str(tmp_path)}
    )
    with folder.lock(), pytest.raises(RunLocked):
        train_as_rank_0(RankedRun.new(settings, folder))
    assert not (folder.path / ".launch.json").exists()
    assert train_as_rank_0(RankedRun.new(settings, folder)) == 0
    assert recorded_agents(folder) == ["this agent"]


def test_only_what_torchrun_started_is_taken_for_a_restart(joined: SimpleNamespace, tmp_path: Path):
    settings = resolve_settings(
        load_lecture(find_lecture("05")), {"epochs": 1, "runs_dir": str(tmp_path)}
    )

    def trained_runs(run_id: str) -> int:
        assert train_as_rank_0(RankedRun.new(settings, None), run_id) == 0
        return len(list(tmp_path.glob("*/*/run.json")))

    # A script of the user's that starts the ranks with torchrun's variables, twice.
    assert [trained_runs(run_id="") for _ in range(2)] == [1, 2]
    assert [trained_runs(run_id="none") for _ in range(2)] == [3, 3]


def test_a_restarted_group_resumes_with_what_the_user_asked_for(tmp_path: Path):
    folder = RunFolder(tmp_path / "net" / "run")
    asked = ResumeRequest(folder, epochs=7, options={"max_time": 60.0}, source="current")
    again = RankedRun.resumed(asked, "cpu", "stop").again(Restarted(folder, True, None, ""))
    assert again.request == asked
