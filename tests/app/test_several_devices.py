"""A run on several devices is started in a process of its own, watched and steered in the app."""

from __future__ import annotations

import json

from tests.pilot import Sitting, in_app
from tui_app.app.dialogs.leave_question import LeaveQuestion
from tui_app.monitoring.process_run import ProcessRun


def the_run(person: Sitting) -> ProcessRun:
    run = person.queue.current
    assert isinstance(run, ProcessRun)
    return run


@in_app("05", devices=2, device="cpu", epochs=10**6)
async def test_it_is_started_steered_and_stopped(person: Sitting):
    await person.until(lambda: person.form.can_start)
    await person.press("f5")
    await person.until(lambda: person.history.step > 0)
    run = the_run(person)
    record = json.loads((person.folder / "run.json").read_text())
    assert record["options"]["devices"] == 2
    await person.press("space")
    await person.until(lambda: person.history.state == "paused" and "paused" in person.text)
    await person.press("l")
    await person.type("0.002")
    await person.press("enter", "space")
    await person.until(lambda: [change.lr for change in person.history.lr_changes] == [0.002])
    await person.press("q")
    await person.until(lambda: isinstance(person.app.screen, LeaveQuestion))
    assert "keep training in the background" in person.text
    await person.press("b", "x")
    await person.trained()
    assert person.history.state == "stopped"
    assert not run.is_alive and run.failure is None
    await person.until(lambda: "stopped by request" in person.text)
