"""A net that calls sys.exit or raises KeyboardInterrupt is reported with its file and line."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from models.user_files.trust import allow_named_file
from tests.pilot import Sitting, in_app
from tests.program import tutorch
from tui_app.commands import evaluate

NET = """
import sys
from torch import nn
from models.lecture import Hyperparameters, Lecture
{AT_IMPORT}

class Leaver(nn.Linear):
    def __init__(self, spec, hyperparameters):
        super().__init__(1, 1)
        self.steps = 0
        {AT_INIT}

    def forward(self, x):
        self.steps += 1
        {ON_TRIAL}
        if self.steps > 4:
            {IN_FORWARD}
        return super().forward(x)

LECTURE = Lecture(
    title="Leaver", title_zh="走", datasets=("study-hours",), model=Leaver, criterion=nn.MSELoss,
    hyperparameters=Hyperparameters(epochs=100),
)
"""

LINES = {"AT_IMPORT": 5, "AT_INIT": 11, "ON_TRIAL": 15, "IN_FORWARD": 17}


def leaving(where: str, how: str) -> Path:
    path = Path("my_net.py").resolve()
    path.write_text(NET.format(**(dict.fromkeys(LINES, "pass") | {where: how})), encoding="utf-8")
    allow_named_file(path)
    return path


@pytest.mark.parametrize("where", LINES)
def test_a_net_that_calls_sys_exit_is_a_failure_with_its_line(where: str):
    ended = tutorch("--no-tui", leaving(where, "sys.exit(0)"))
    assert ended.exit_code == 1
    assert f"my_net.py line {LINES[where]}" in ended.err
    assert "SystemExit: 0" in ended.err
    assert "A net must not end the program" in ended.err
    states = [
        json.loads(path.read_text())["state"] for path in Path("runs").glob("*/*/status.json")
    ]
    assert states == (["failed"] if where == "IN_FORWARD" else [])


@pytest.mark.parametrize("where", ["ON_TRIAL", "IN_FORWARD"])
def test_a_keyboard_interrupt_raised_by_a_net_isnt_ctrl_c(where: str, monkeypatch):
    # As in the program itself, where Python's own handler is not in force.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        ended = tutorch("--no-tui", leaving(where, "raise KeyboardInterrupt"))
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.exit_code == 1
    assert f"my_net.py line {LINES[where]}, in forward: KeyboardInterrupt" in ended.err


def test_ctrl_c_itself_is_still_one(monkeypatch: pytest.MonkeyPatch):
    def interrupted(argv: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluate, "main", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's `&` ignores it
    try:
        assert tutorch("evaluate", "last").exit_code == 130
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_option_parsers_exits_keep_their_codes():
    assert tutorch("softmax", "--help").exit_code == 0
    assert tutorch("softmax", "--epochs").exit_code == 2


@in_app("05")
async def test_the_app_says_which_line_would_have_ended_it(person: Sitting):
    await person.app.main.fill_form(leaving("IN_FORWARD", "sys.exit(0)"), {})
    await person.until(lambda: person.form.draft and person.form.draft.lecture.name == "my_net")
    await person.until(lambda: person.form.can_start)
    await person.press("f5")
    await person.trained()
    failure = person.queue.current.failure
    assert failure is not None
    assert failure.exit_code == 1
    assert "my_net.py line 17, in forward: SystemExit: 0" in failure.sentence
    await person.until(lambda: "my_net.py line 17" in person.text)
