"""`tutorch search`, `studies` and `study`: what a user sees of a search, and of a wrong one."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest

from models.lecture import Lecture
from tests.program import ROOT, Ended, tutorch
from tui_app.search import study as study_module
from tui_app.search.library import from_optuna
from tui_app.search.storage import open_storage
from tui_app.search.study import Study, open_study
from tui_app.search.summary import read_study

LECTURE = "lecture_09_softmax_classifier"
VARY = ("--vary", "lr=1e-3..1:log", "--vary", "widths=32|16")
WORDS = ("softmax", *VARY, "--epochs", 2, "--device", "cpu", "--study", "s")


def search(*words: object) -> Ended:
    return tutorch("search", *words)


def add_good_trials(study: optuna.Study, count: int) -> None:
    """Trials that all others look worse than."""
    values = {1: 0.99, 2: 0.99, 3: 0.99}
    for _ in range(count):
        study.add_trial(optuna.trial.create_trial(value=0.99, intermediate_values=values))


def run_record(run: str | Path) -> dict[str, Any]:
    return json.loads((Path(run) / "run.json").read_text(encoding="utf-8"))


def test_a_search_trains_trials_that_are_ordinary_runs():
    ended = search(*WORDS, "--trials", 4, "--json")
    assert ended.exit_code == 0, ended.err
    trials = ended.events
    assert [trial["number"] for trial in trials] == list(range(4))
    assert {trial["state"] for trial in trials} <= {"completed", "pruned"}
    for trial in trials:
        record = run_record(trial["run"])
        assert record["study"] == {"name": "s", "trial": trial["number"]}
        assert f"{record['hyperparameters']['lr']:g}" in (
            trial["settings"]["lr"],
            f"{float(trial['settings']['lr']):g}",
        )
        assert 1e-3 <= record["hyperparameters"]["lr"] <= 1
        assert record["hyperparameters"]["widths"] in ([32], [16])
        assert record["hyperparameters"]["epochs"] == 2
    assert len({trial["settings"]["lr"] for trial in trials}) == 4

    shown = tutorch("study", "s", "--json").json
    assert shown["metric"] == "test_accuracy"
    assert shown["chosen_on"] == "test"
    assert shown["settings"] == {"lr": "0.001..1:log", "widths": "32|16"}
    assert shown["state"] == "completed"
    best = max((t for t in trials if t["state"] == "completed"), key=lambda t: t["value"])
    assert shown["best"] == best["number"]
    assert [t["values"] for t in shown["trials"]] == [t["settings"] for t in trials]

    text = tutorch("study", "s")
    assert f"tutorch show {Path(best['run']).name}" in text.err
    assert "* " in text.out
    (row,) = tutorch("studies", "--json").json
    assert (row["name"], row["state"], len(row["trials"])) == ("s", "completed", 4)
    assert "4/4" in tutorch("studies").out

    # The same command joins the study, which is complete; a larger number goes on with it.
    again = search(*WORDS, "--trials", 4)
    assert again.exit_code == 0
    assert "4 of 4 trials" in again.err
    assert again.out == f"{best['run']}\n"
    more = search("--study", "s", "--trials", 5, "--json")
    assert [trial["number"] for trial in more.events] == [4]
    for words, said in (
        (("softmax", "--vary", "lr=1e-3..1"), "exists, with other settings"),
        ((*WORDS, "--pruner", "none"), "exists, with other settings"),
        (("softmax", "--epochs", 3), "--epochs: a study that goes on keeps its settings"),
        (("--pruner", "none"), "--pruner: a study that goes on keeps its settings"),
        (("05",), f"is one of {LECTURE}"),
    ):
        other = search(*words, "--study", "s")
        assert (other.exit_code, other.out) == (2, "")
        assert said in other.err


def test_one_worker_finds_the_same_again(tmp_path: Path):
    def found(runs: str) -> list[tuple[Any, ...]]:
        ended = search(*WORDS, "--trials", 2, "--json", "--runs-dir", tmp_path / runs)
        return [(trial["settings"], trial["value"]) for trial in ended.events]

    assert found("one") == found("two")


def test_a_search_that_leaves_before_the_others_hasnt_failed(lecture: Lecture, study: Study):
    states = optuna.trial.TrialState
    study.optuna.add_trial(optuna.trial.create_trial(state=states.FAIL))
    elsewhere = {"run": f"{lecture.name}/20200101-000000-0000", "host": "elsewhere"}
    running = optuna.trial.create_trial(state=states.RUNNING, user_attrs=elsewhere)
    study.optuna.add_trial(running)
    left = search("--study", "s")
    assert left.exit_code == 0, left.err
    study.optuna.tell(1, state=states.FAIL)
    assert search("--study", "s").exit_code == 1


def test_a_study_whose_creator_was_killed_before_it_recorded_the_settings_begins_again(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(study_module, "_PATIENCE", 0.0)
    with from_optuna() as library:
        for name in ("s", "other"):
            opened = open_storage("", Path("runs"), name, create=True)
            library.create_study(study_name=name, storage=opened, direction="maximize")
        library.load_study(study_name="other", storage=opened).set_user_attr("owner", "another")
    alone = search("--study", "s")
    assert alone.exit_code == 1
    assert "`tutorch search LECTURE --vary ... --study s` begins it again" in alone.err
    begun = search(*WORDS, "--trials", 1)
    assert begun.exit_code == 0, begun.err
    assert read_study("s", Path("runs")).state == "completed"
    others = search(*WORDS[:-1], "other")
    assert others.exit_code == 1
    assert "it isn't tutorch's" in others.err


def test_a_worse_trial_is_pruned_and_says_so():
    words = ("softmax", "--vary", "lr=1e-9|1e-8", "--epochs", 3, "--device", "cpu", "--study", "p")
    assert search(*words, "--trials", 1).exit_code == 0
    with closing(open_study("p", Path("runs"), "")) as opened:
        add_good_trials(opened.optuna, 5)
    ended = search("--study", "p", "--trials", 7)
    assert ended.exit_code == 0, ended.err
    study = read_study("p", Path("runs"))
    (trial,) = [trial for trial in study.trials if trial.state == "pruned"]
    assert trial.number == 6
    assert trial.run is not None
    assert trial.reason.startswith("pruned at epoch 1: test accuracy")
    assert trial.reason.endswith("the median of 6 trials is 99.00 %")
    assert trial.epoch == 1
    status = json.loads((trial.run / "status.json").read_text())
    assert (status["state"], status["exit_code"]) == ("stopped", 0)
    assert status["reason"] == trial.reason
    assert "pruned" in tutorch("runs").out
    shown = tutorch("show", trial.run.name).out
    assert "state" in shown
    assert trial.reason in shown
    assert "stopped" not in shown
    assert "completed" in study.state
    resumed = tutorch("resume", trial.run.name, "--no-tui")
    assert resumed.exit_code == 0
    assert "completed" in tutorch("show", trial.run.name).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name the lecture"),
        (("softmax",), "nothing varies"),
        (("softmax", "--vary", "lr=0..1"), "lr: a number > 0, not '0'"),
        (("softmax", "--vary", "lr=0.1"), "one value, which doesn't vary"),
        (("softmax", "--vary", "lr"), "has no ="),
        (("softmax", "--vary", "rl=0.1..1"), "isn't a hyperparameter"),
        (("softmax", "--vary", "device=cpu|cuda"), "isn't a hyperparameter"),
        (("softmax", "--vary", "lr=0.1..1", "--vary", "lr=1..2"), "twice"),
        (("softmax", "--vary", "lr=0.1..1", "--lr", "0.1"), "leave out --lr"),
        (
            ("softmax", "--vary", "momentum=0..0.9", "--optimizer", "adam"),
            "momentum has no effect with optimizer adam",
        ),
        (
            ("softmax", "--vary", "momentum=0..0.9", "--vary", "optimizer=adam|lbfgs"),
            "momentum has no effect with optimizer adam",
        ),
        (("softmax", "--lr", "0.1..1"), "`--vary lr=0.1..1` lets it vary"),
        (("softmax", "--lr", "0.1,1"), "`--vary 'lr=0.1|1'` lets it vary"),
        (("softmax", "--vary", "lr=0.1..1", "--trials", "-1"), "trials: a whole number"),
        (("softmax", "--vary", "lr=0.1..1", "--trials", "0"), "trials: a whole number"),
        (("softmax", "--vary", "lr=0.1..1", "--workers", "0"), "workers: a whole number"),
        (("softmax", "--vary", "lr=0.1..1", "--devices", "2"), "--workers N uses several"),
        (("softmax", "--vary", "lr=0.1..1", "--study", "../x"), "study: a name of letters"),
        (("softmax", "--vary", "lr=0.1..1", "--storage", "grpc://nowhere"), "grpc://HOST:PORT"),
        (("softmax", "--vary", "lr=0.1..1", "--storage", "nothing"), "storage: a URL such as"),
        (("--study", "none"), "there is no study 'none'"),
        (("--study", "none", "--vary", "lr=0.1..1"), "name the lecture first"),
        (("softmax", "--study", "none"), "there is no study 'none'"),
    ],
)
def test_a_wrong_search_is_refused_before_it_begins(words: tuple[str, ...], said: str):
    ended = search(*words)
    assert ended.exit_code == 2
    assert said in ended.err
    assert not list(Path("runs").glob("*/*/run.json"))
    assert tutorch("studies", "--json").json == []


def test_what_shows_a_study_refuses_a_wrong_name():
    for name, said in (("none", "no study 'none'"), ("../../etc/x", "a name of letters")):
        ended = tutorch("study", name)
        assert ended.exit_code == 2
        assert said in ended.err


def test_a_search_isnt_a_group_of_ranks(monkeypatch: pytest.MonkeyPatch):
    for name, value in (("RANK", "0"), ("WORLD_SIZE", "2"), ("LOCAL_RANK", "0")):
        monkeypatch.setenv(name, value)
    ended = search(*WORDS)
    assert ended.exit_code == 2
    assert "without torchrun" in ended.err


def test_without_optuna_a_search_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    ended = search(*WORDS)
    assert ended.exit_code == 2
    assert "pip install 'tutorch[search]'" in ended.err


def test_a_file_of_the_users_that_has_changed_is_said(tmp_path: Path):
    net = tmp_path / "my_net.py"
    course = (ROOT / "models" / f"{LECTURE}.py").read_text(encoding="utf-8")
    net.write_text(course, encoding="utf-8")
    words = ("--vary", "lr=0.01|0.1", "--epochs", 1, "--device", "cpu", "--study", "own")
    assert search(net, *words, "--trials", 1).exit_code == 0
    went_on = search("--study", "own", "--trials", 2)
    assert went_on.exit_code == 0, went_on.err
    assert "has changed" not in went_on.err
    net.write_text(course + "\n# another\n", encoding="utf-8")
    named = search(net, "--study", "own", "--trials", 3)
    assert named.exit_code == 0
    assert "note: my_net.py has changed since the study began" in named.err
