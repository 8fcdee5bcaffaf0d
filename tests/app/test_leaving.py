"""The app can be quit at any moment, even while its widgets are being mounted."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from models import find_lecture
from tests.pilot import Sitting, in_app
from tui_app.app.app import TutorchApp
from tui_app.app.dialogs.leave_question import LeaveQuestion
from tui_app.app.screens.help import HelpScreen
from tui_app.app.session import terminal_session
from tui_app.app.widgets.setting_row import SettingRow
from tui_app.app.widgets.settings_form import SettingsForm
from tui_app.monitoring.run_queue import RunQueue
from tui_app.terminal import driver


@pytest.mark.parametrize("rows", [1, 5, 9])
def test_it_can_be_quit_while_the_settings_appear(rows: int, monkeypatch: pytest.MonkeyPatch):
    fill, filled = SettingsForm.fill, asyncio.Event()

    async def heard(*arguments: object) -> None:
        await fill(*arguments)  # pyright: ignore[reportArgumentType]
        filled.set()

    monkeypatch.setattr(SettingsForm, "fill", heard)

    async def leave() -> None:
        app = TutorchApp(find_lecture("softmax"), {"runs_dir": "runs"})
        running = asyncio.create_task(app.run_async(headless=True, size=(120, 36)))
        while len(app.main.query(SettingRow)) < rows:
            await asyncio.sleep(0)
        assert not filled.is_set()
        app.exit(0)
        assert await running == 0
        assert app.return_code == 0

    asyncio.run(leave())


@in_app("05", epochs=10**7)
async def test_it_can_be_quit_from_a_page_of_help_while_it_trains(person: Sitting):
    await person.until(lambda: person.form.can_start)
    await person.press("f5")
    await person.until(lambda: person.history.step > 0)
    await person.press("1", "question_mark")
    assert isinstance(person.app.screen, HelpScreen)
    await person.press("ctrl+c")
    assert isinstance(person.app.screen, LeaveQuestion)
    await person.press("ctrl+c")
    await person.trained()
    await person.until(lambda: person.app.return_code == 0)


@pytest.mark.skipif(sys.platform == "win32", reason="job control is POSIX")
def test_it_is_not_suspended_where_no_shell_could_bring_it_back(monkeypatch: pytest.MonkeyPatch):

    monkeypatch.setattr("tui_app.app.app.has_job_control", lambda: False)

    @in_app("02")
    async def suspend(person: Sitting) -> None:
        await person.press("colon")
        await person.type("suspend")
        await person.until(lambda: "Suspend tutorch: `fg` brings it back" in person.text)
        await person.press("enter")
        await person.until(lambda: person.said)
        assert person.said == ["No shell here could bring tutorch back; q quits it."]

    suspend()


@pytest.mark.skipif(sys.platform == "win32", reason="a pty is POSIX")
def test_a_terminal_that_has_gone_is_drawn_on_no_more_and_nothing_is_said():
    """Not even when it goes in the middle of a frame."""
    from tui_app.terminal.driver import _TerminalFile

    ours, theirs = os.openpty()
    drawn_on = io.BufferedWriter(_TerminalFile(theirs, "w"))
    with io.TextIOWrapper(drawn_on, encoding="utf-8") as terminal:
        terminal.write("a frame")
        terminal.flush()
        assert os.read(ours, 99) == b"a frame"
        os.close(ours)
        with pytest.raises(OSError, match="Input/output error"):
            os.write(theirs, b"another")
        terminal.write("another" * 9999)
        terminal.flush()


@pytest.mark.skipif(sys.platform == "win32", reason="a pty is POSIX")
@pytest.mark.parametrize("reading", ["error", "end"])
def test_a_terminal_that_has_gone_is_read_no_more(reading: str, monkeypatch: pytest.MonkeyPatch):
    """On some systems reading from it is an error, on others it has come to its end."""

    ours, theirs = os.openpty()
    gone: list[bool] = []
    tty = object.__new__(driver.TerminalDriver)
    tty.fileno, tty._debug, tty.exit_event = theirs, False, threading.Event()
    owner = SimpleNamespace(on_terminal_gone=lambda: gone.append(True))
    monkeypatch.setattr(tty, "owner", owner, raising=False)
    os.close(ours)
    if reading == "end":
        monkeypatch.setattr(driver.os, "read", lambda descriptor, count: b"")
    tty.run_input_thread()
    assert gone == [True]
    os.close(theirs)


class RunWithoutLauncher:
    """A run that trains on although the process that this program started has died."""

    failure = None

    def __init__(self, polls: int) -> None:
        self._polls = polls
        self.history = SimpleNamespace(completed=SimpleNamespace(exit_code=3))

    @property
    def is_over(self) -> bool:
        return self._polls == 0

    def start(self) -> None: ...

    def join(self, seconds: float) -> bool:
        return True

    def poll(self) -> bool:
        self._polls -= 1
        return self.is_over


def test_after_a_hang_up_it_waits_calmly_for_a_run_whose_launcher_has_died(
    monkeypatch: pytest.MonkeyPatch,
):
    waited: list[float] = []
    monkeypatch.setattr(terminal_session, "time", SimpleNamespace(sleep=waited.append))
    app: Any = SimpleNamespace(queue=RunQueue(cast("Any", [RunWithoutLauncher(polls=4)])))
    session = terminal_session.TerminalSession(app, cast("Any", SimpleNamespace(terminal=0)))
    assert session.train_on() == 3
    assert waited == [terminal_session._POLLING] * 3
