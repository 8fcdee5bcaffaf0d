"""The settings form in the app: what it is filled with, its keys, undo, texts that don't fit."""

from __future__ import annotations

from tests.app import Sitting, in_app
from tui_app.widgets.setting_row import SettingRow


def row_of(person: Sitting, name: str) -> SettingRow:
    return next(row for row in person.form.query(SettingRow) if row.field.name == name)


async def pick(person: Sitting, lecture: str, *keys: str) -> None:
    person.app.main.choose_pane("lectures")
    await person.press(*keys, "enter")
    await person.until(lambda: person.is_ready and lecture in person.draft.lecture.name)


@in_app("05", device="cpu", data_dir="/data", lr=0.5)
async def test_options_of_the_command_line_hold_for_each_lecture_picked(person: Sitting):
    await pick(person, "logistic", "down")
    assert (row_of(person, "device").text, row_of(person, "data_dir").text) == ("cpu", "/data")
    assert row_of(person, "lr").text == "0.01"
    row_of(person, "data_dir").focus_field()
    await person.press("x")
    await pick(person, "lecture_05", "up")
    assert row_of(person, "lr").text == "0.5"
    await pick(person, "logistic", "down")  # what was typed meanwhile is still there
    assert row_of(person, "data_dir").text == "x"
