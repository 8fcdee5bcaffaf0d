"""Ranges in the form: what they start, what is wrong with them, and the dialog before a search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models import find_lecture
from models.fields import InvalidValue
from models.loading.load import load_lecture
from tests.app.study_samples import SampleReader, sample_study
from tests.pilot import Sitting, in_app
from tui_app.app.dialogs.search_dialog import SearchDialog
from tui_app.app.form.settings_draft import SettingsDraft
from tui_app.app.screens.run import RunScreen
from tui_app.app.screens.study import StudyScreen
from tui_app.app.studies import study_reading
from tui_app.app.studies.search_request import SearchChoice, default_name, search_request
from tui_app.app.widgets.setting_row import SettingRow


def draft_of(lecture: str, **texts: str) -> SettingsDraft:
    draft = SettingsDraft(load_lecture(find_lecture(lecture)), "runs", {})
    for name, text in texts.items():
        draft.change(name, text)
    return draft


def words_of(draft: SettingsDraft, **choice: Any) -> list[str]:
    """The command's words about settings."""
    request = search_request(draft, SearchChoice("mine", **choice))
    words = request.words(Path("runs"))
    assert words[:2] == ["search", str(find_lecture(draft.lecture.name))]
    return sorted(words[2:])


# The draft


def test_a_range_makes_a_search_of_all_values():
    draft = draft_of(
        "softmax", lr="1e-4..1:log", momentum=" 0..0.95 ", widths="512,256|128,64", epochs="3"
    )
    assert draft.is_search
    assert not draft.problems()
    assert words_of(draft, trials=7, pruner="none") == [
        "--epochs=3",
        "--pruner=none",
        "--runs-dir=runs",
        "--study=mine",
        "--trials=7",
        "--vary=lr=0.0001..1:log",
        "--vary=momentum=0..0.95",
        "--vary=widths=512,256|128,64",
    ]
    tried = {(run.hyperparameters.lr, vars(run.hyperparameters)["widths"]) for run in draft.runs()}
    assert {(1e-4, (512, 256)), (1.0, (128, 64))} <= tried


def test_several_values_without_a_range_stay_a_sweep():
    for text in ("0.1|0.01", "0.1,0.01"):
        draft = draft_of("softmax", lr=text)
        assert not draft.is_search
        assert [run.hyperparameters.lr for run in draft.runs()] == [0.1, 0.01]


def test_choices_with_commas_are_choices_of_a_search():
    draft = draft_of("softmax", lr="0.01..1", optimizer="sgd,adam")
    assert "--vary=optimizer=sgd|adam" in words_of(draft)


def test_a_setting_without_an_effect_is_left_out():
    draft = draft_of("softmax", optimizer="adam", momentum="0..0.9")
    assert not draft.is_search
    draft.change("lr", "0.01..1")
    assert draft.is_search
    assert not any("momentum" in word for word in words_of(draft))
    draft.change("optimizer", "sgd|adam")
    assert "--vary=momentum=0..0.9" in words_of(draft)


def test_what_is_configured_is_named_as_the_form_has_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TUTORCH_EPOCHS", "77")
    monkeypatch.setenv("TUTORCH_LR", "0.5")
    draft = draft_of("softmax", lr="0.01..1")
    assert "--epochs=20" in words_of(draft)
    assert not any(word.startswith("--lr") for word in words_of(draft))


def test_a_path_with_dots_is_no_range(tmp_path: Path):
    draft = draft_of("07", dataset="csv:../a..b.csv", target="y", data_dir="../x..y")
    assert not draft.is_search
    assert not draft.problems()


@pytest.mark.parametrize(
    ("texts", "field", "sentence"),
    [
        ({"lr": "1..0.5"}, "lr", "a range ends above its beginning"),
        ({"lr": "0..1"}, "lr", "lr: a number > 0, not '0'"),
        ({"lr": "0.1.."}, "lr", "lr: a number > 0"),
        ({"momentum": "0..1:log"}, "momentum", "momentum: a number ≥ 0 and < 1, not '1"),
        ({"momentum": "0..0.9:log"}, "momentum", "a logarithmic range begins above 0"),
        ({"epochs": "1.5..3"}, "epochs", "epochs: a whole number ≥ 1, not '1.5'"),
        ({"optimizer": "sgd..adam"}, "optimizer", "optimizer has no range"),
        ({"lr": "0.1..1", "device": "cpu|cuda"}, "device", "one value in a search"),
        ({"validation": "0.1..0.3"}, "validation", "one value in a search"),
        ({"lr": "0.1..1", "dataset": "digits|mnist"}, "dataset", "one value in a search"),
        ({"lr": "0.1..1", "devices": "2"}, "devices", "1 in a search"),
    ],
)
def test_a_wrong_range_is_explained_at_its_field(texts, field, sentence):
    problems = draft_of("softmax", **texts).problems()
    assert list(problems) == [field]
    assert sentence in problems[field]


def test_the_name_of_a_new_study_is_free():
    draft = draft_of("softmax", lr="0.01..1")
    name = default_name(draft, ())
    assert name == "softmax_classifier-lr"
    taken = [name, f"{name}-2", "other"]
    assert default_name(draft, taken) == f"{name}-3"


# The form and the dialog


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The searches that were started: name and words, in place of processes."""

    class Reader(SampleReader):
        answers = (sample_study(),)

    found: list[tuple[str, ...]] = []
    monkeypatch.setattr(study_reading, "StudyReader", Reader)
    monkeypatch.setattr(
        "tui_app.app.studies.started_searches.StartedSearches.start",
        lambda self, name, words, log: found.append((name, str(log), *words)),
    )
    return found


def row_of(person: Sitting, name: str) -> SettingRow:
    return next(row for row in person.app.main.query(SettingRow) if row.field.name == name)


async def type_range(person: Sitting, name: str, text: str) -> None:
    row_of(person, name).focus_field()
    await person.press("ctrl+u")
    await person.type(text)


@in_app("softmax", size=(80, 24))
async def test_start_asks_for_the_trials_and_starts_the_search(person, started):
    await person.press("3")
    await type_range(person, "lr", "0.01..1")
    await person.until(lambda: "Search ..." in person.text)
    await person.press("f5")
    await person.until(lambda: isinstance(person.app.screen, SearchDialog))
    await person.until(lambda: "softmax_classifier-lr" in person.text)
    assert "0.01..1" in person.text
    await person.press("ctrl+u", "enter")
    assert "trials: a whole number ≥ 1" in person.text
    await person.type("7")
    await person.press("tab", "right", "tab", "ctrl+u")
    await person.type("../x")
    assert "study: a name of letters" in person.sentence
    await person.press("ctrl+u")
    await person.type("mine")
    await person.press("enter")
    await person.until(lambda: isinstance(person.app.screen, StudyScreen))
    ((name, log, *words),) = started
    assert name == "mine"
    assert log == "runs/studies/mine.txt"
    assert {"--study=mine", "--trials=7", "--pruner=hyperband", "--vary=lr=0.01..1"} <= set(words)
    await person.press("escape")
    assert person.app.screen is person.app.main
    assert person.draft.text("lr") == "0.01..1"
    assert person.app.queue is None  # no run was started here


@in_app("softmax", size=(80, 24))
async def test_a_taken_name_is_refused_and_escape_starts_nothing(person, started):
    studies = Path("runs/studies")
    studies.mkdir(parents=True)
    (studies / "softmax_classifier-lr.log").touch()
    await type_range(person, "lr", "0.01..1")
    await person.press("f5")
    await person.until(lambda: "softmax_classifier-lr-2" in person.text)
    await person.press("tab", "tab", "ctrl+u")
    await person.type("softmax_classifier-lr")
    await person.press("f5")
    await person.until(
        lambda: "there is a study 'softmax_classifier-lr' already" in person.sentence
    )
    await person.press("escape")
    assert person.app.screen is person.app.main
    assert not started


@in_app("softmax", size=(80, 24))
async def test_without_optuna_the_dialog_says_how_to_install_it(person, started, monkeypatch):
    def load() -> None:
        raise InvalidValue("a search needs Optuna: pip install 'tutorch[search]'")

    monkeypatch.setattr(study_reading, "load_optuna", load)
    await type_range(person, "lr", "0.01..1")
    await person.press("f5", "enter")
    await person.until(lambda: "pip install 'tutorch[search]'" in person.text)
    await person.press("enter")
    assert isinstance(person.app.screen, SearchDialog)
    assert not started


# A real search


@in_app("05", size=(80, 24), epochs=2)
async def test_a_search_from_the_form_and_its_best_trial_back_in_the_form(person):
    pytest.importorskip("optuna")
    await type_range(person, "lr", "0.001..0.01:log")
    await person.press("f5")
    await person.until(lambda: isinstance(person.app.screen, SearchDialog))
    await person.press("ctrl+u", "2", "enter")
    await person.until(lambda: isinstance(person.app.screen, StudyScreen))
    screen = person.app.screen
    assert "starting" in person.text or "searching" in person.text
    await person.until(lambda: screen.study is not None and screen.study.state == "completed")
    started = person.app.searches.get(screen.study_name)
    await person.until(lambda: not started.is_running)
    assert not started.failure
    await person.until(lambda: "2/2 trials · best" in person.text)
    await person.press("enter")
    await person.until(lambda: isinstance(person.app.screen, RunScreen))
    assert person.app.screen.shown_run.folder == screen.study.trials[1].run
    await person.press("escape", "n")
    await person.until(lambda: person.app.screen is person.app.main)
    best = screen.study.best
    await person.until(lambda: person.draft.text("lr") == best.values["lr"])
    assert not person.draft.is_search
    assert person.draft.text("epochs") == "2"
