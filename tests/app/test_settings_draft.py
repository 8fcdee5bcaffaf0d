"""The settings of a lecture as the form edits them: what counts as changed, undo and redo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models import find_lecture
from models.fields import InvalidValue
from models.loading.load import load_lecture
from tui_app.app.form import form_runs
from tui_app.app.form.settings_draft import SettingsDraft
from tui_app.app.loading.command_line import CommandLine
from tui_app.app.loading.lecture_loading import load
from tui_app.app.messages import LectureReady


def draft_of(lecture: str, **given: Any) -> SettingsDraft:
    return SettingsDraft(load_lecture(find_lecture(lecture)), "runs", given)


# What is changed


def test_a_given_value_that_is_the_default_is_no_change():
    given = {"dataset": "digits", "optimizer": "adam", "lr": 0.001, "epochs": 20, "momentum": 0.9}
    assert draft_of("softmax", **given).texts == {"optimizer": "adam", "momentum": "0.9"}


def test_a_data_file_of_the_users_own_can_be_trained_from_the_form(tmp_path: Path):
    draft = draft_of("07", dataset="csv:a,b.csv", target="y")
    assert not draft.problems()
    (run,) = draft.runs()
    assert run.dataset == f"csv:{tmp_path / 'a,b.csv'}"
    assert draft.dataset == run.dataset


def test_the_settings_are_resolved_once_for_the_same_texts(monkeypatch: pytest.MonkeyPatch):
    draft, calls = draft_of("softmax"), []
    resolve = form_runs.resolve_settings
    monkeypatch.setattr(
        form_runs,
        "resolve_settings",
        lambda *arguments: calls.append(arguments) or resolve(*arguments),
    )
    draft.change("epochs", "7")
    for _ in range(3):
        assert not draft.problems()
        assert draft.runs()[0].hyperparameters.epochs == 7
    assert len(calls) == 1
    draft.change("epochs", "8")
    assert draft.runs()[0].hyperparameters.epochs == 8
    draft.change("momentum", "2")
    for _ in range(2):
        with pytest.raises(InvalidValue):
            draft.runs()
    draft.undo()
    assert draft.runs()[0].hyperparameters.epochs == 8


# Undo and redo


def test_typing_in_one_field_is_one_edit():
    draft = draft_of("softmax")
    for text in ("7", "70", "700"):
        draft.change("epochs", text)
    draft.change("lr", "0.5")
    assert draft.undo() == ["lr"]
    assert draft.undo() == ["epochs"]
    assert draft.texts == {}
    assert not draft.can_undo
    draft.redo()
    draft.redo()
    assert draft.texts == {"epochs": "700", "lr": "0.5"}
    assert not draft.can_redo


def test_a_field_that_was_left_begins_another_edit():
    draft = draft_of("softmax")
    draft.change("epochs", "7")
    draft.end_edit()
    draft.change("epochs", "8")
    draft.undo()
    assert draft.text("epochs") == "7"


def test_a_reset_and_a_replacement_are_undone():
    draft = draft_of("softmax")
    draft.change("epochs", "7")
    draft.change("lr", "0.5")
    draft.reset_all()
    assert draft.texts == {}
    draft.undo()
    assert draft.texts == {"epochs": "7", "lr": "0.5"}
    draft.replace({"activation": "relu", "lr": 0.2})
    assert draft.texts == {"lr": "0.2"}
    draft.undo()
    assert draft.texts == {"epochs": "7", "lr": "0.5"}
    draft.reset("lr")
    draft.undo()
    assert draft.text("lr") == "0.5"


def test_an_edit_after_undo_ends_redo():
    draft = draft_of("softmax")
    draft.change("epochs", "7")
    draft.undo()
    draft.change("lr", "0.5")
    assert not draft.can_redo
    draft.redo()
    assert draft.texts == {"lr": "0.5"}


def test_an_edit_that_was_taken_back_by_hand_is_no_edit():
    draft = draft_of("softmax")
    draft.change("lr", "0.5")
    draft.change("epochs", "7")
    draft.change("epochs", "20")
    assert draft.undo() == ["lr"]
    draft.reset("epochs")
    draft.reset_all()
    assert draft.can_redo


# What the command line gives a lecture


def given_to(lecture: str, first: str = "softmax", **given: Any) -> dict[str, Any]:
    line = CommandLine(find_lecture(first), given)
    ready = load(find_lecture(lecture), line, Path("runs"))
    assert isinstance(ready, LectureReady)
    return dict(ready.given)


def test_options_hold_for_every_lecture_and_hyperparameters_for_their_own():
    given = {"device": "cpu", "data_dir": "/data", "save_every": 5.0, "lr": 0.5, "epochs": 3}
    assert given_to("softmax", **given) == given
    assert given_to("05", **given) == {"device": "cpu", "data_dir": "/data", "save_every": 5.0}


@pytest.mark.parametrize(("lecture", "expected"), [("10_basic", "mnist"), ("05", None)])
def test_a_data_set_holds_for_the_lectures_that_have_it(lecture: str, expected: str | None):
    assert given_to(lecture, dataset="mnist").get("dataset") == expected


def test_a_run_trained_anew_has_its_own_hyperparameters_and_this_programs_options(tmp_path: Path):
    (tmp_path / "tutorch.toml").write_text("lr = 0.3\nthreads = 1\n")
    line = CommandLine(find_lecture("softmax"), {"device": "cpu", "momentum": 0.0})
    ready = load(find_lecture("softmax"), line, Path("runs"), {"dataset": "mnist", "epochs": 3})
    assert isinstance(ready, LectureReady)
    expected = {"device": "cpu", "threads": 1, "dataset": "mnist", "epochs": 3}
    assert ready.chosen == expected
    assert ready.given == {"device": "cpu", "momentum": 0.0, "lr": 0.3, "threads": 1}
