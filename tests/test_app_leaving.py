"""The app can be left at any moment, also while it still puts itself together."""

from __future__ import annotations

import asyncio
import io
import os
import sys

import pytest

from models import find_lecture
from tui_app.app import TutorchApp
from tui_app.widgets.setting_row import SettingRow
from tui_app.widgets.settings_form import SettingsForm


@pytest.mark.parametrize("rows", [1, 5, 9])
def test_it_can_be_left_while_the_settings_appear(rows: int, monkeypatch: pytest.MonkeyPatch):
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


@pytest.mark.skipif(sys.platform == "win32", reason="a pty is POSIX")
def test_a_terminal_that_has_gone_is_drawn_on_no_more_and_nothing_is_said():
    """Not even when it goes in the middle of a frame."""
    from tui_app.terminal_driver import _Terminal

    ours, theirs = os.openpty()
    drawn_on = io.BufferedWriter(_Terminal(theirs, "w"))
    with io.TextIOWrapper(drawn_on, encoding="utf-8") as terminal:
        terminal.write("a frame")
        terminal.flush()
        assert os.read(ours, 99) == b"a frame"
        os.close(ours)
        with pytest.raises(OSError, match="Input/output error"):
            os.write(theirs, b"another")
        terminal.write("another" * 9999)
        terminal.flush()
