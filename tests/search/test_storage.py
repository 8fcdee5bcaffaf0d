"""Where a study is kept: a journal that was cut, damaged, or written by others."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import optuna
import pytest

from models.lecture import Lecture
from tests.program import tutorch
from tests.search.studies import check_whole, work
from tui_app.runs.errors import DamagedRun
from tui_app.runs.events import EpochCompleted, Event
from tui_app.search.library import from_optuna
from tui_app.search.storage import check_study_name, default_study_name, journal_path
from tui_app.search.study import Study, open_study
from tui_app.search.summary import read_study
from tui_app.search.trial import run_name
from tui_app.training.steering.control import Control


def test_a_journal_goes_on_after_a_line_that_was_written_by_half(study: Study, lecture: Lecture):
    journal = journal_path(study.runs_dir, "s")
    with journal.open("ab") as file:
        file.write(b'{"op_code": 4, "wor')
    assert len(work(study, lecture)[0]) == 2
    check_whole(study, 2)
    lines = journal.read_text().splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)


def test_a_damaged_journal_and_a_study_of_another_program_are_said(study: Study):
    journal = journal_path(study.runs_dir, "s")
    journal.with_name("bad.log").write_text("no journal\nat all\n")
    with from_optuna() as library:
        backend = library.storages.journal.JournalFileBackend(str(journal.with_name("other.log")))
        optuna.create_study(
            study_name="other", storage=library.storages.journal.JournalStorage(backend)
        )
    ended = tutorch("studies", "--json")
    assert ended.exit_code == 0
    assert [found["name"] for found in ended.json] == ["s"]
    assert "bad.log can't be read" in ended.err
    assert "it isn't tutorch's" in ended.err


_LINE = b'{"study_id": 0, "worker_id": "x", "datetime_start": null, '


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b"3",
        b'"\xff"',
        b"[" * 100_000,
        b"no journal\nat all",
        _LINE + b'"op_code": 99}',
        _LINE + b'"op_code": 2, "user_attr": 3}',
        _LINE + b'"op_code": 4, "state": 77}',
        _LINE + b'"op_code": 4, "intermediate_values": []}',
    ],
)
def test_a_journal_that_is_damaged_while_it_is_open_is_said(line: bytes, study: Study):
    with journal_path(study.runs_dir, "s").open("ab") as file:
        file.write(line + b"\n")
    for use in (study.trials, study.trials, study.new_trial, lambda: study.extend(9)):
        with pytest.raises(DamagedRun, match=r"s\.log can't be read as a study's journal"):
            use()
    ended = tutorch("study", "s")
    assert (ended.exit_code, ended.out) == (1, "")
    assert "s.log can't be read as a study's journal" in ended.err


def test_a_journal_that_is_damaged_while_a_trial_trains_leaves_a_run_that_is_resumed(
    study: Study, lecture: Lecture
):
    journal = journal_path(study.runs_dir, "s")
    whole = list[bytes]()

    def damage(event: Event, control: Control) -> None:
        if isinstance(event, EpochCompleted) and not whole:
            whole.append(journal.read_bytes())
            journal.write_bytes(whole[0] + b"{}\n")

    ended, control = work(study, lecture, damage)
    assert not ended
    assert control.stop_request is not None
    assert control.stop_request.exit_code == 1
    journal.write_bytes(whole[0])
    with closing(open_study("s", study.runs_dir, "")) as again:
        assert len(work(again, lecture)[0]) == 2
        check_whole(again, 2)


@pytest.mark.parametrize(
    "name", ["../../x/20200101-000000-0000", "a/b/c", "/etc", "..\\x/20200101-000000-0000", 3, None]
)
def test_a_run_that_a_storage_names_outside_the_runs_folder_isnt_opened(
    name: object, study: Study, lecture: Lecture
):
    trial = optuna.trial.create_trial(
        state=optuna.trial.TrialState.RUNNING, user_attrs={"run": name, "reason": "\x1b[31m"}
    )
    study.optuna.add_trial(trial)
    assert study.left_trial() is None
    (summary,) = read_study("s", study.runs_dir).trials
    assert summary.run is None
    assert "\x1b" not in tutorch("study", "s").out


@pytest.mark.parametrize("value", ["abc", float("nan"), 10**400, [1.0], True])
def test_a_value_in_a_storage_that_is_no_number_counts_as_none(value: Any, study: Study):
    create, states = optuna.trial.create_trial, optuna.trial.TrialState
    study.optuna.add_trial(create(value=0.25))
    journal = journal_path(study.runs_dir, "s")
    added = json.loads(journal.read_text().splitlines()[-1])
    reports = {"intermediate_values": {"1": value, "2": 0.5}}
    running = {**added, **reports, "state": states.RUNNING, "value": None}
    running.pop("datetime_complete")
    damaged = {**added, "value": value}
    text = "".join(json.dumps(line) + "\n" for line in (running, damaged, added))
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:-1]) + text)
    summary = read_study("s", study.runs_dir)
    assert [trial.metric_value for trial in summary.trials] == [0.5, None, 0.25]
    assert summary.best is summary.trials[2]
    assert tutorch("study", "s").exit_code == 0


@pytest.mark.parametrize(
    ("lecture", "name"),
    [
        ("lecture_09_softmax_classifier", "softmax_classifier-lr"),
        ("my net (2)", "my-net-2-lr"),
        ("_手写net", "net-lr"),
        ("手写数字", "study-lr"),
    ],
)
def test_a_study_of_a_file_with_any_name_has_a_name(lecture: str, name: str):
    assert check_study_name(default_study_name(lecture, ["lr"])) == name
    run = f"{lecture}/20200101-000000-0000"
    assert run_name(optuna.trial.create_trial(value=0.0, user_attrs={"run": run})) == run
