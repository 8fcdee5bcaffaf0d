"""The app saves preferences from one start to the next, and survives a bad file of them."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from pathlib import Path

import pytest

from models import find_lecture
from tests.pilot import Sitting, in_app, sitting
from tui_app.app.app import TutorchApp
from tui_app.app.appearance.preferences import PreferencesFile, preferences_file
from tui_app.app.widgets.runs_list import RunsList


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "app.json"


def _written(file: Path, text: str | bytes) -> PreferencesFile:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return preferences_file()


def test_language_colours_lecture_and_order_are_those_of_the_last_time(file):
    async def leave() -> None:
        async with sitting("06", (80, 24)) as person:
            await person.press("z")
            person.app.theme = "dracula"
            await person.press("r")
            await person.press("s", "s")
            await person.until(lambda: file.exists() and "dracula" in file.read_text())
            await person.until(lambda: '"data"' in file.read_text())

    async def come_back() -> None:
        app = TutorchApp(None, {"runs_dir": "runs"})
        async with app.run_test(size=(80, 24)) as pilot:
            person = Sitting(app, pilot)
            await person.until(lambda: person.is_ready)
            assert app.in_chinese and app.theme == "dracula"
            assert person.draft.lecture.name == "lecture_06_logistic_regression"
            await person.press("2")
            await person.until(lambda: "逻辑斯蒂回归" in person.text)
            await person.press("r")
            await person.until(lambda: bool(app.screen.query(RunsList)))
            assert app.screen.query_one(RunsList).order == "data"

    asyncio.run(leave())
    asyncio.run(come_back())


def test_a_lecture_on_the_command_line_comes_before_the_remembered_one(file):
    _written(file, json.dumps({"lecture": "lecture_06_logistic_regression"}))
    named = TutorchApp(find_lecture("02"), {"runs_dir": "runs"})
    assert named.main._first == find_lecture("02")
    assert TutorchApp(None, {}).main._first == find_lecture("06")


def test_a_users_file_is_remembered_while_it_exists(file, tmp_path):
    own = tmp_path / "net.py"
    own.write_text("")
    values = _written(file, json.dumps({"lecture": str(own)})).values
    assert values.lecture_path == own
    own.unlink()
    assert values.lecture_path is None


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "[" * 100_000,
        b"\xff\xfe\x00",
        '{"theme": "' + "x" * 70_000 + '"}',
        '{"theme": 3, "language": ["zh"], "lecture": null, "sort": {}}',
        '{"theme": "\\u001b[31mred", "lecture": "/dev/zero"}',
        '{"lecture": "../../etc/passwd", "theme": "no such", "sort": "no such"}',
    ],
    ids=["cut", "list", "deep", "bytes", "long", "kinds", "codes", "unknown"],
)
def test_a_damaged_or_hostile_file_is_ignored_with_a_note(file, text):
    preferences = _written(file, text)
    assert preferences.values.lecture_path is None
    assert preferences.values.language == ""
    assert preferences.problem.isprintable()
    assert preferences.values.theme in ("", "no such")  # an unknown theme is left out by the app
    assert bool(preferences.problem) == (preferences.values.theme == "")

    async def start() -> None:
        app = TutorchApp(None, {"runs_dir": "runs"})
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            assert app.theme in app.available_themes
            if preferences.problem:
                assert any(preferences.problem == line.text for line in app.startup_log.lines)

    asyncio.run(start())


def test_a_home_that_cant_be_written_does_no_harm(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TUTORCH_STATE_DIR", str(tmp_path / "file" / "state"))

    @in_app(size=(80, 24))
    async def use(person):
        await person.press("z")
        lines = person.app.startup_log.lines
        await person.until(lambda: any("can't be saved" in line.text for line in lines))
        await person.press("z")
        assert person.app.is_running

    use()


def test_a_pipe_in_its_place_is_not_waited_for(file):
    file.parent.mkdir()
    os.mkfifo(file)
    assert "it is no file" in preferences_file().problem


def test_with_an_empty_folder_nothing_is_remembered(monkeypatch, tmp_path):
    monkeypatch.setenv("TUTORCH_STATE_DIR", "")
    preferences = preferences_file()
    assert not preferences.change(language="zh") and preferences.save() == ""


def test_several_programs_keep_each_others_changes_and_the_file_whole(file):
    _written(file, "{}")
    programs = [PreferencesFile(file) for _ in range(8)]
    names = ("language", "theme", "lecture", "sort")

    def use(place: int, program: PreferencesFile) -> None:
        for number in range(10):
            program.change(**{names[place % 4]: f"{place} {number}"})
            assert program.save() == ""
            json.loads(file.read_text())

    threads = [threading.Thread(target=use, args=each) for each in enumerate(programs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not PreferencesFile(file).problem
    assert [path.name for path in file.parent.iterdir()] == ["app.json"]
    one, other = PreferencesFile(file), PreferencesFile(file)
    one.change(language="zh")
    other.change(theme="dracula")
    one.save()
    other.save()
    assert (PreferencesFile(file).values.language, PreferencesFile(file).values.theme) == (
        "zh",
        "dracula",
    )
