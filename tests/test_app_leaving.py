"""The app can be left at any moment, also while it still puts itself together."""

from __future__ import annotations

import asyncio

import pytest

from models import find_lecture
from tui_app.app import TutorchApp
from tui_app.widgets.setting_row import SettingRow
from tui_app.widgets.settings_form import SettingsForm


@pytest.mark.parametrize("rows", [1, 5, 9])
def test_it_can_be_left_while_the_settings_appear(rows: int, monkeypatch: pytest.MonkeyPatch):
    """What the app itself raises, `run_test` raises."""
    fill, filled = SettingsForm.fill, asyncio.Event()

    async def heard(*arguments: object) -> None:
        await fill(*arguments)  # pyright: ignore[reportArgumentType]
        filled.set()

    monkeypatch.setattr(SettingsForm, "fill", heard)

    async def leave() -> None:
        app = TutorchApp(find_lecture("softmax"), {"runs_dir": "runs"})
        async with app.run_test(size=(120, 36)):
            while len(app.main.query(SettingRow)) < rows:
                await asyncio.sleep(0)
            assert not filled.is_set()
            app.exit(0)
        assert app.return_value == 0

    asyncio.run(leave())
