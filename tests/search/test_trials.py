"""Trials that are taken again: interrupted, killed, ended without a word; and those that fail."""

from __future__ import annotations

import json
import shutil
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest

from models.lecture import Lecture
from tests.program import tutorch
from tests.search.studies import EPOCHS, check_whole, record, work
from tui_app.runs.errors import StorageUnavailable, TrainingFailed
from tui_app.runs.events import EpochCompleted, Event, RunCompleted
from tui_app.runs.run_folder import RunFolder
from tui_app.search import study as study_module
from tui_app.search import worker as worker_module
from tui_app.search.study import Study, create_or_join, open_study
from tui_app.search.summary import read_study
from tui_app.search.trial import OpenTrial, TrialListener
from tui_app.search.worker import TrialEnded, Worker
from tui_app.training.session_request import MakeSession
from tui_app.training.steering.control import Control


def test_an_interrupted_trial_is_resumed_first_and_keeps_its_number(study: Study, lecture: Lecture):
    def interrupt(event: Event, control: Control) -> None:
        if isinstance(event, EpochCompleted) and event.epoch == 2:
            control.stop("stopped by Ctrl-C", 130)

    ended, control = work(study, lecture, interrupt)
    assert not ended
    assert control.stop_request is not None
    (trial,) = read_study("s", study.runs_dir).trials
    assert (trial.state, trial.epoch, trial.epochs) == ("stopped", 2, EPOCHS)
    assert trial.reason == "stopped by Ctrl-C"
    assert trial.metric_value is not None

    ended, _ = work(study, lecture)
    assert [each.number for each in ended] == [0, 1]
    assert ended[0].run.path == trial.run
    assert "continues after epoch 2" in (ended[0].run.log).read_text()
    check_whole(study, 2)


def test_the_value_of_a_trial_that_trains_again_is_the_best_that_it_had(
    study: Study, lecture: Lecture
):
    def interrupt(event: Event, control: Control) -> None:
        if isinstance(event, EpochCompleted) and event.epoch == 2:
            control.stop("stopped by Ctrl-C", 130)

    work(study, lecture, interrupt)
    (trial,) = read_study("s", study.runs_dir).trials
    assert trial.run is not None
    status = RunFolder(trial.run).status
    recorded = json.loads(status.read_text())
    # last.pt, and so the status of a run that a worker takes again, may be older than the reports.
    values = {None: trial.metric_value, 0.001: trial.metric_value, 0.999: 0.999}
    for stored, expected in values.items():
        status.write_text(json.dumps({**recorded, "best_value": stored}))
        assert read_study("s", study.runs_dir).trials[0].metric_value == expected


def test_a_trial_without_a_program_is_taken_and_one_with_a_program_is_not(
    study: Study, lecture: Lecture
):
    left = study.new_trial()  # its program dies before the run begins
    assert left is not None
    assert study.left_trial() is None  # locked: somebody prepares it
    assert read_study("s", study.runs_dir).trials[0].state == "running"
    left.folder.unlock()
    assert read_study("s", study.runs_dir).trials[0].state == "waiting"
    with closing(open_study("s", study.runs_dir, "")) as other:
        taken = other.left_trial()
        assert taken is not None
        assert taken.number == 0
        assert study.left_trial() is None  # exactly one worker has it
        taken.folder.unlock()
    ended, _ = work(study, lecture)
    assert [each.number for each in ended] == [0, 1]
    check_whole(study, 2)


def test_who_looks_at_a_study_hides_no_trial_from_a_worker(
    study: Study, monkeypatch: pytest.MonkeyPatch
):
    left = study.new_trial()
    assert left is not None
    left.folder.unlock()
    held = RunFolder(left.folder.path).lock()
    monkeypatch.setattr(study_module.time, "sleep", lambda seconds: held.release())
    taken = study.left_trial()
    assert taken is not None
    taken.folder.unlock()


def test_a_trial_whose_run_the_user_has_removed_fails_and_another_place_is_left_alone(
    study: Study, lecture: Lecture
):
    kept, removed = study.new_trial(), study.new_trial()
    assert kept is not None
    assert removed is not None
    kept.folder.unlock()
    removed.folder.unlock()
    shutil.rmtree(removed.folder.path)
    elsewhere = {"run": f"{lecture.name}/20200101-000000-0000", "host": "elsewhere"}
    state = optuna.trial.TrialState.RUNNING
    study.optuna.add_trial(optuna.trial.create_trial(state=state, user_attrs=elsewhere))
    ended, _ = work(study, lecture)
    assert [each.number for each in ended] == [0]
    trials = read_study("s", study.runs_dir).trials
    assert [trial.state for trial in trials] == ["completed", "failed", "running"]
    assert trials[1].reason == "its run folder is gone"


def test_a_run_that_ended_before_its_study_knew_is_recorded_and_not_trained_again(
    study: Study, lecture: Lecture, monkeypatch: pytest.MonkeyPatch
):
    class Killed(BaseException): ...

    def die(trial: OpenTrial, value: float, reason: str) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(OpenTrial, "complete", die)
        with pytest.raises(Killed):
            work(study, lecture)
    held = RunFolder(next(study.runs_dir.glob("lecture*/*"))).lock()
    assert read_study("s", study.runs_dir).state == "running"  # its program may be about to tell
    held.release()
    (trial,) = read_study("s", study.runs_dir).trials
    assert (trial.state, trial.epoch) == ("waiting", EPOCHS)
    assert trial.reason == "its run has ended: a worker records how"
    before = {path: path.stat().st_mtime_ns for path in study.runs_dir.glob("*/*/metrics.jsonl")}
    ended, _ = work(study, lecture)
    assert [(each.number, each.state) for each in ended] == [(0, "completed"), (1, "completed")]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    check_whole(study, 2)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"epoch": "x"}, "status.json is damaged"),
        ({"best_epoch": [1]}, "status.json is damaged"),
        ({"exit_code": float("inf")}, "status.json is damaged"),
        ({"best_value": float("nan")}, "without a model whose value is finite"),
        ({"best_value": 10**400}, "without a model whose value is finite"),
        ({"state": "running", "host": socket.gethostname(), "pid": 10**30}, "run.json has schema"),
    ],
)
def test_a_run_that_ended_with_a_damaged_status_fails_alone(
    damage: dict[str, Any], said: str, study: Study, lecture: Lecture
):
    left = study.new_trial()
    assert left is not None
    left.folder.unlock()
    left.folder.run_json.write_text("{}")
    status = {"state": "completed", "epoch": 4, "best_value": 0.5, **damage}
    left.folder.status.write_text(json.dumps(status))
    (failed, other), _ = work(study, lecture)
    assert (failed.number, failed.state, other.state) == (0, "failed", "completed")
    assert said in failed.reason


def test_two_programs_that_begin_the_last_trial_at_once_dont_make_one_too_many(
    study: Study, lecture: Lecture, monkeypatch: pytest.MonkeyPatch
):
    first = study.new_trial()
    second = study.new_trial()
    assert first is not None
    assert second is not None
    trials = study.trials
    counts = iter([[], None])  # the other program's trials aren't there yet, at the first look
    with monkeypatch.context() as patched:
        patched.setattr(study, "trials", lambda: trials() if next(counts) is None else [])
        assert study.new_trial() is None
    for each in (first, second):
        each.folder.unlock()
    ended, _ = work(study, lecture)
    assert len(ended) == 2
    check_whole(study, 2)
    study.extend(3)  # the one too many isn't one of the three
    assert len(work(study, lecture)[0]) == 1


def test_a_trial_that_diverges_has_failed_and_the_search_goes_on(lecture: Lecture):
    ended = tutorch(
        *("search", "05", "--vary", "lr=1e4|0.01", "--epochs", 60),
        *("--trials", 4, "--study", "d", "--json", "--device", "cpu"),
    )
    assert ended.exit_code == 0, ended.err
    assert {trial["state"] for trial in ended.events} == {"completed", "failed"}
    shown = tutorch("study", "d", "--json").json
    failed = [trial for trial in shown["trials"] if trial["state"] == "failed"]
    assert all(trial["reason"].startswith("diverged at step") for trial in failed)
    assert all(trial["values"] == {"lr": "10000"} for trial in failed)
    best = shown["trials"][shown["best"]]
    assert best["values"] == {"lr": "0.01"}
    assert best["metric_value"] == min(
        t["metric_value"] for t in shown["trials"] if t["state"] == "completed"
    )


def test_a_trial_that_the_user_stops_alone_is_completed_and_says_so(study: Study, lecture: Lecture):
    def stop(event: Event, control: Control) -> None:
        if isinstance(event, EpochCompleted) and not stopped:
            stopped.append(event.epoch)
            control.stop("stopped by the user", 0)

    stopped: list[int] = []
    ended, _ = work(study, lecture, stop)
    assert [each.state for each in ended] == ["completed", "completed"]
    first, second = read_study("s", study.runs_dir).trials
    assert (first.state, first.epoch, first.reason) == ("completed", 1, "stopped by the user")
    assert (second.epoch, second.reason) == (EPOCHS, "")
    assert "stopped by the user" in tutorch("study", "s").out


def test_a_search_whose_trials_all_fail_gives_up(lecture: Lecture, monkeypatch: pytest.MonkeyPatch):
    study = create_or_join("f", record(lecture), Path("runs").absolute(), "", 20)

    def train(make: MakeSession, trial: OpenTrial, listener: Any) -> RunCompleted:
        raise TrainingFailed("error in training: the net is wrong")

    ended: list[TrialEnded] = []
    worker = Worker(study, lecture, {}, Control(), train, ended.append)
    with closing(study), pytest.raises(TrainingFailed, match=r"5 trials in a row.*net is wrong"):
        worker.work()
    assert [each.state for each in ended] == ["failed"] * 5


def test_a_storage_that_goes_away_leaves_a_run_that_is_resumed(
    study: Study, lecture: Lecture, monkeypatch: pytest.MonkeyPatch
):
    def fail(listener: TrialListener, epoch: int, value: float) -> None:
        raise StorageUnavailable("the study's storage can't be used: gone")

    with monkeypatch.context() as patched:
        patched.setattr(TrialListener, "_report", fail)
        ended, control = work(study, lecture)
    assert not ended
    assert control.stop_request is not None
    assert control.stop_request.exit_code == 3
    assert len(work(study, lecture)[0]) == 2
    check_whole(study, 2)


def test_hyperband_prunes_too(lecture: Lecture):
    hyperband = record(lecture, pruner="hyperband")
    study = create_or_join("h", hyperband, Path("runs").absolute(), "", 12)
    values = {1: 1.0, 2: 1.0, 3: 1.0, 4: 1.0}
    rungs = {"completed_rung_0": 1.0, "completed_rung_1": 1.0}  # as the pruner marks them
    for _ in range(10):
        study.optuna.add_trial(
            optuna.trial.create_trial(value=1.0, intermediate_values=values, system_attrs=rungs)
        )
    with closing(study):
        ended, _ = work(study, lecture)
    assert "pruned" in {each.state for each in ended}
    reasons = [each.reason for each in ended if each.state == "pruned"]
    assert all("isn't among the best third" in reason for reason in reasons)


def test_the_folder_of_a_trial_is_locked_until_its_study_knows_how_it_ended(
    study: Study, lecture: Lecture, monkeypatch: pytest.MonkeyPatch
):
    seen = []
    outcome = worker_module.record_outcome

    def observed(trial: OpenTrial, completed: RunCompleted) -> TrialEnded | None:
        with pytest.raises(Exception, match="another program is training"):
            RunFolder(trial.folder.path).lock()
        seen.append(trial.number)
        return outcome(trial, completed)

    monkeypatch.setattr(worker_module, "record_outcome", observed)
    work(study, lecture)
    assert seen == [0, 1]
    RunFolder(next(study.runs_dir.glob("lecture*/*"))).lock().release()
