"""A run on several devices is started in processes of its own, watched and steered in the app."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import cast

import pytest

from models import find_lecture
from models.loading.load import load_lecture
from tests.pilot import Sitting, in_app
from tests.program import LONGEST
from tui_app.app.dialogs.leave_question import LeaveQuestion
from tui_app.monitoring.local_run import LocalRun
from tui_app.monitoring.process_run import ProcessRun
from tui_app.monitoring.run_command import NewRunCommand
from tui_app.monitoring.run_queue import RunQueue
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training.session_request import NewRunRequest, ResumeRequest


def the_run(person: Sitting) -> ProcessRun:
    run = person.queue.current
    assert isinstance(run, ProcessRun)
    return run


@in_app("05", devices=2, device="cpu", epochs=10**6)
async def test_it_is_started_steered_stopped_resumed_and_left(person: Sitting):
    await person.until(lambda: person.form.can_start)
    await person.press("f5")
    await person.until(lambda: person.history.step > 0)
    assert json.loads((person.folder / "run.json").read_text())["options"]["devices"] == 2
    await person.until(lambda: "2 × CPU" in person.text)
    await person.press("space")
    await person.until(lambda: person.history.state == "paused" and "paused" in person.text)
    await person.press("l")
    await person.type("0.002")
    await person.press("enter", "space")
    await person.until(lambda: [change.lr for change in person.history.lr_changes] == [0.002])
    await person.press("x")
    await person.trained()
    assert person.history.state == "stopped"
    assert the_run(person).failure is None
    folder, step = person.folder, person.history.step

    person.app.resume_run(ResumeRequest(RunFolder(folder), epochs=2 * 10**6))
    await person.until(lambda: the_run(person).history.step > step)
    await person.press("q")
    await person.until(lambda: isinstance(person.app.screen, LeaveQuestion))
    assert "keep training in the background" in person.text
    await person.press("k")
    await person.until(lambda: person.app._exit)
    left = the_run(person)
    assert person.app.left_training is left and left.folder == folder
    assert left.is_alive, "the app has gone, and it trains"
    left.control.stop()
    assert left.join(LONGEST)


@in_app("05", devices=2, size=(80, 24))
async def test_what_prevents_it_is_said(person: Sitting, monkeypatch):
    words = ["nothing-like-this", "--no-tui"]
    monkeypatch.setattr(NewRunCommand, "words", lambda command, folder: words)
    await person.until(lambda: person.form.can_start)
    await person.press("f5")
    await person.until(lambda: "starting 2 processes" in person.text)
    await person.trained()
    problem = "no command or lecture is called 'nothing-like-this'"
    await person.until(lambda: problem in person.sentence)
    assert not [*person.app.runs_dir.glob("*/*")]


@pytest.mark.parametrize(
    ("make", "offered"), [(NewRunCommand, {"k", "s", "b"}), (NewRunRequest, {"s", "b"})]
)
def test_only_a_run_in_its_own_process_can_be_left_before_it_trains(make, offered: set[str]):
    made = make(resolve_settings(load_lecture(find_lecture("05")), {"devices": 2}))
    run = (ProcessRun if make is NewRunCommand else LocalRun)("mine", made)
    question = LeaveQuestion(cast(RunQueue, SimpleNamespace(current=run, waiting=0)))
    assert {key for key, _ in question._answers} == offered
