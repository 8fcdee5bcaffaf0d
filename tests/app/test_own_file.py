"""Tests a user's own lecture file in the app: with errors, corrected, and changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from models.user_files.trust import allow_named_file
from tests.pilot import Sitting, sitting
from tests.program import tutorch
from tui_app.app.app import TutorchApp
from tui_app.app.widgets.lecture_list import LectureList


@pytest.fixture
def net(tmp_path: Path) -> Path:
    assert tutorch("new", "my_net").exit_code == 0
    return tmp_path / "my_net.py"


def edit(net: Path, old: str, new: str) -> None:
    text = net.read_text()
    assert old in text
    net.write_text(text.replace(old, new))


def in_app_of(net: Path, test: Callable[[Sitting], Coroutine[Any, Any, None]]) -> None:
    async def sit() -> None:
        async with sitting(str(net), (80, 24)) as person:
            await test(person)

    asyncio.run(sit())


def told(person: Sitting) -> list[str]:
    shown = [note.message for note in person.app._notifications]  # some before there is a Sitting
    return [*person.said, *shown]


def test_a_broken_file_stays_picked_with_its_error_until_it_is_mended(net: Path):
    edit(net, "class MyNet(", "clas MyNet(")

    async def see() -> None:
        allow_named_file(net)
        app = TutorchApp(net, {"runs_dir": "runs"})
        async with app.run_test(size=(80, 24)) as pilot:
            person = Sitting(app, pilot)
            await person.until(
                lambda: any("my_net.py can't be used" in text for text in told(person))
            )
            highlighted = app.main.query_one(LectureList).highlighted_option
            assert highlighted is not None
            assert highlighted.id == "my_net"
            for pane in ("3", "2"):
                await person.press(pane)
                await person.until(lambda: "clas MyNet(nn.Module):" in person.text)
                assert "my_net.py line" in person.text
                assert "invalid syntax" in person.text
            assert not person.form.can_start
            edit(net, "clas MyNet(", "class MyNet(")
            await person.press("s")
            await person.until(lambda: person.is_ready)
            assert person.draft.lecture.name == "my_net"
            assert app.queue is None
            await person.until(lambda: "clas MyNet(nn.Module):" not in person.text)

    asyncio.run(see())


def test_start_trains_the_file_as_it_is_now_and_says_so(net: Path):
    async def see(person: Sitting) -> None:
        person.draft.change("lr", "0.2")
        edit(net, "epochs=10", "epochs=2")
        await person.press("s")
        await person.until(lambda: person.app.queue is not None)
        await person.trained()
        assert person.history.epoch == 2
        assert "my_net.py has changed: it was loaded again." in told(person)
        assert person.draft.text("lr") == "0.2"
        first = person.folder
        net.write_text(net.read_text() + "\n1/0\n")
        await person.press("s")
        await person.until(lambda: person.form.draft is None)
        assert person.folder == first

    in_app_of(net, see)


def test_choosing_it_again_loads_the_file_again(net: Path):
    async def see(person: Sitting) -> None:
        edit(net, 'title="My Net"', 'title="Another net"')
        net.write_text(net.read_text() + "\n1/0\n")
        await person.press("enter")
        await person.until(lambda: "ZeroDivisionError" in person.text)
        edit(net, "\n1/0\n", "")
        person.app.main.choose_pane("lectures")
        await person.press("up")
        await person.until(lambda: person.is_ready and "13" in person.draft.lecture.name)
        await person.press("down")
        await person.until(lambda: person.is_ready and person.draft.lecture.title == "Another net")
        await person.until(lambda: "Another net" in person.text)

    in_app_of(net, see)


def test_a_file_named_like_a_lecture_of_the_course_has_no_best_of_the_courses(tmp_path: Path):
    """Nor the course's lecture that of the file."""
    assert tutorch("--no-tui", "05", "--epochs", 1, "--runs-dir", "runs").exit_code == 0
    assert tutorch("new", "my_net").exit_code == 0
    (tmp_path / "mine").mkdir()
    net = (tmp_path / "my_net.py").rename(tmp_path / "mine" / "lecture_05_linear_regression.py")

    async def see(person: Sitting) -> None:
        lectures = person.find(LectureList)

        def marked() -> list[str]:
            return [
                lesson.title
                for key, lesson in lectures._lessons.items()
                if lectures._rows[key].trained is not None
            ]

        await person.until(lambda: bool(marked()))
        assert marked() == ["Linear regression with PyTorch"]
        assert {lesson.path for lesson in lectures.lessons} >= {net}

    in_app_of(net, see)
