"""Resumes and opens runs in the app whose lecture file, the user's own, was changed since."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.others_runs import next_program
from tests.pilot import Sitting, in_app
from tests.program import begin, train, tutorch
from tests.runs.test_run_source import negate, record, write
from tui_app.app.dialogs.choice_question import ChoiceQuestion
from tui_app.app.session import background_training
from tui_app.app.widgets.model_pane import ModelPane
from tui_app.monitoring import detached_process
from tui_app.monitoring.local_run import LocalRun
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_table import settings_for_form

pytestmark = pytest.mark.usefixtures("small_data")


@pytest.fixture
def net(tmp_path: Path) -> Path:
    return write(tmp_path / "mine")


@pytest.fixture
def run(net: Path) -> Path:
    return train(net)


async def extend(person: Sitting) -> None:
    """Ask on the Runs screen for more epochs."""
    await person.press("r")
    await person.until(lambda: "my net" in person.text)
    await person.press("e")
    await person.press("enter")


@in_app()
async def test_the_app_asks_with_which_source_to_resume_a_run(
    person: Sitting, net: Path, run: Path
):
    negate(net)
    await extend(person)
    await person.until(lambda: isinstance(person.app.screen, ChoiceQuestion))
    assert "my_net.py has changed since the run was trained" in person.text
    await person.press("b")
    assert person.app.queue is None
    await person.press("e", "enter")
    await person.until(lambda: isinstance(person.app.screen, ChoiceQuestion))
    await person.press("c")
    await person.trained()
    assert record(run)["source_changes"][0]["step"] == 2
    assert person.history.completed.epoch == 4


@in_app()
async def test_a_run_whose_file_is_the_same_resumes_without_a_question(
    person: Sitting, net: Path, run: Path
):
    await extend(person)
    await person.trained()
    assert person.history.completed.epoch == 4
    assert record(run)["source"]["path"] == str(net)


@in_app(size=(160, 48))
async def test_the_model_pane_shows_the_kept_source_and_says_so(
    person: Sitting, net: Path, run: Path
):
    net.write_text("1 / 0")
    person.app.open_run(RunFolder(run))
    await person.press("7")
    pane = person.find(ModelPane)
    await person.until(lambda: "best model, of epoch" in str(pane.border_subtitle))
    assert "my_net.py has changed since the run was trained" in str(pane.border_subtitle)


def test_a_new_run_like_it_trains_the_users_file_and_the_copy_where_that_is_gone(
    net: Path, run: Path
):
    folder = RunFolder(run)
    negate(net)
    assert settings_for_form(folder)[0] == net
    net.write_text("def")  # the form will say what is wrong with it
    assert settings_for_form(folder)[0] == net
    net.unlink()
    assert settings_for_form(folder)[0] == folder.source / "my_net.py"


@pytest.mark.parametrize("state", ["state", ""])
def test_a_run_kept_in_the_background_trains_its_kept_source_without_a_question(
    net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
):
    """The new process has nobody to ask which source to use, or whether its code is trusted."""
    monkeypatch.setenv("TUTORCH_STATE_DIR", state)
    stopped = begin(str(net), tmp_path / "runs", stop_after=1)
    started: list[list[str]] = []

    def start(words: list[str], **_: Any) -> SimpleNamespace:
        started.append(words)
        return SimpleNamespace(pid=1)

    monkeypatch.setattr(detached_process.subprocess, "Popen", start)
    current = SimpleNamespace(history=SimpleNamespace(completed=stopped.completed))
    background_training.resume_in_background(stopped.session.folder.path, cast(LocalRun, current))
    negate(net)
    next_program(monkeypatch)
    (words,) = started
    assert ("--trust" in words) == (not state)
    ended = tutorch(*words[words.index("tui_app") + 1 :])
    assert ended.exit_code == 0, ended.err
