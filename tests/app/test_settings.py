"""The settings form in the app: its values, keys, undo, and texts that don't fit."""

from __future__ import annotations

import pytest
from rich.text import Text
from textual.widgets import Static

from models import find_lecture
from tests.pilot import Sitting, in_app
from tui_app.app.messages import LectureHighlighted, SettingFocused
from tui_app.app.screens.main_screen import lecture_choice
from tui_app.app.widgets.lecture_list import LectureList
from tui_app.app.widgets.log_pane import LogPane
from tui_app.app.widgets.nav_bar import NavBar
from tui_app.app.widgets.setting_row import SettingRow


def row_of(person: Sitting, name: str) -> SettingRow:
    return next(row for row in person.form.query(SettingRow) if row.field.name == name)


def marked(person: Sitting) -> dict[str, str]:
    rows = person.form.query(SettingRow)
    return {row.field.name: row.text for row in rows if row.is_changed}


async def pick(person: Sitting, lecture: str, *keys: str) -> None:
    person.app.main.choose_pane("lectures")
    await person.press(*keys, "enter")
    await person.until(lambda: person.is_ready and lecture in person.draft.lecture.name)


@in_app("05", device="cpu", data_dir="/data", lr=0.5)
async def test_options_of_the_command_line_apply_to_each_picked_lecture(person: Sitting):
    await pick(person, "logistic", "down")
    assert (row_of(person, "device").text, row_of(person, "data_dir").text) == ("cpu", "/data")
    assert row_of(person, "lr").text == "0.01"
    row_of(person, "data_dir").focus_field()
    await person.press("x")
    await pick(person, "lecture_05", "up")
    assert row_of(person, "lr").text == "0.5"
    await pick(person, "logistic", "down")  # what was typed meanwhile is still there
    assert row_of(person, "data_dir").text == "x"


# Keys and focus


def dimmed(person: Sitting) -> bool:
    tabs = person.app.main.query_one(NavBar).query(".tab").results(Static)
    return all(isinstance(tab.content, Text) and tab.content.spans for tab in tabs)


@in_app("softmax", size=(80, 24))
async def test_escape_leaves_a_field_and_digits_are_keys_again(person: Sitting):
    await person.press("3", "down", "5")
    await person.until(lambda: row_of(person, "epochs").text == "5")
    await person.until(lambda: "esc Leave field" in person.text and dimmed(person))
    await person.press("escape")
    await person.until(lambda: not dimmed(person) and "⏎ Edit" in person.text)
    await person.press("enter", "7")
    await person.until(lambda: row_of(person, "epochs").text == "7")
    await person.press("escape", "down")
    assert row_of(person, "batch_size").has_focus_within
    await person.press("escape", "5")
    await person.until(lambda: person.app.main.query_one(LogPane).has_focus_within)
    await person.press("3")
    assert row_of(person, "dataset").has_focus_within


@in_app("softmax")
async def test_enter_in_a_field_goes_to_the_next_and_never_starts_a_run(person: Sitting):
    await person.until(lambda: person.form.can_start)
    row_of(person, "lr").focus_field()
    await person.press("minus", "enter")
    await person.until(lambda: row_of(person, "lr").problem == "lr: a number > 0, not '-'")
    assert row_of(person, "lr").has_focus_within
    await person.press("ctrl+u", "1", "enter")
    assert row_of(person, "momentum").has_focus_within
    row_of(person, "data_dir").focus_field()
    await person.press("enter")
    assert person.form.has_focus
    assert person.app.queue is None


# Undo


@in_app("softmax")
async def test_edits_and_the_reset_of_all_fields_are_undone_and_redone(person: Sitting):
    assert "Undo" not in person.text
    row_of(person, "epochs").focus_field()
    await person.press("7", "enter", "8")
    await person.until(lambda: marked(person) == {"epochs": "7", "batch_size": "8"})
    await person.until(lambda: "^z Undo" in person.text)
    await person.press("ctrl+y")
    await person.until(lambda: marked(person) == {} and "ctrl+z undoes it" in person.text)
    await person.press("ctrl+z")
    await person.until(lambda: marked(person) == {"epochs": "7", "batch_size": "8"})
    await person.press("ctrl+z", "ctrl+z")
    await person.until(lambda: marked(person) == {} and "Undone: epochs 20." in person.text)
    await person.until(lambda: "^z Undo" not in person.text)
    await person.press("ctrl+r", "ctrl+r", "ctrl+r")
    await person.until(lambda: marked(person) == {} and not person.draft.can_redo)


# Texts that don't fit


@in_app("softmax", data_dir="/a/folder/of/data/with/a/name/that/is/far/too/long/for/the/form/数据")
async def test_a_cut_value_ends_in_dots_and_is_shown_in_full_below(person: Sitting):
    row = row_of(person, "data_dir")
    row.scroll_visible(animate=False)
    await person.until(lambda: "/a/folder/of/data/with/a…" in person.text)
    row.focus_field()
    await person.until(lambda: "form/数据" in whole(person))
    row_of(person, "on_oom").focus_field()
    await person.until(lambda: "One of: halve, stop." in whole(person))
    await person.until(lambda: "on oom" in person.text)


def whole(person: Sitting) -> str:
    """The help below the settings, in one line."""
    lines = [line[1:45].strip() for line in person.text.splitlines()]
    return " ".join(lines[max(i for i, line in enumerate(lines) if set(line) == {"─"}) :])


@in_app("05")
async def test_start_right_after_another_lecture_was_highlighted_trains_no_other(
    person: Sitting, monkeypatch: pytest.MonkeyPatch
):
    await person.until(lambda: person.form.can_start)
    monkeypatch.setattr(lecture_choice, "_DWELL", 3600.0)
    person.find(LectureList).select(find_lecture("04"))
    await person.until(lambda: person.app.main._highlighted == find_lecture("04"))
    person.app.main.action_start()
    assert person.app.queue is None
    await person.until(lambda: person.is_ready and "lecture_04" in person.draft.lecture.name)


@in_app("05")
async def test_a_lecture_highlighted_before_another_was_picked_is_not_shown(
    person: Sitting, monkeypatch: pytest.MonkeyPatch
):
    main, lectures = person.app.main, person.find(LectureList)
    monkeypatch.setattr(lecture_choice, "_DWELL", 3600.0)
    lectures.select(find_lecture("04"))
    await person.until(lambda: main._highlighted == find_lecture("04"))
    await main.fill_form(find_lecture("06"), {})  # as the key does that applies advice
    assert main._highlighted is None
    main.on_lecture_highlighted(LectureHighlighted(find_lecture("04")))
    assert main._highlighted is None
    main.on_lecture_highlighted(LectureHighlighted(find_lecture("06")))
    assert main._highlighted == find_lecture("06")


@in_app("05")
async def test_a_row_that_is_being_removed_is_neither_explained_nor_focused(person: Sitting):
    row = row_of(person, "epochs")
    row.focus_field()
    await person.until(lambda: row.has_focus_within)
    for widget in row.children:
        widget.display = False  # as Textual does before it removes them
    person.form.on_setting_focused(SettingFocused("epochs"))
    row.focus_field()
    row.reuse(row.field, [], "7")
    assert row.cut_text == ""
