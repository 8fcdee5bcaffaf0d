"""The app asks before it runs code that the user hasn't trusted, wherever it would load it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from models.user_files.trust import allow_named_file
from tests.others_runs import (
    NET,
    belongs_to_eve,
    change_code,
    hostile,
    next_program,
    run_of_another,
    write,
)
from tests.pilot import Sitting, in_app
from tests.program import train, tutorch
from tui_app.app.app import TutorchApp
from tui_app.app.appearance.preferences import name_to_remember, preferences_file
from tui_app.app.dialogs.text_question import TextQuestion
from tui_app.app.dialogs.trust_question import TrustQuestion
from tui_app.app.screens.help import help_for
from tui_app.app.screens.runs_screen.runs import RunsScreen
from tui_app.app.widgets.view_names import ViewNames
from tui_app.runs.run_folder import RunFolder
from tui_app.training import watchdog


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "it-ran"


@pytest.fixture
def run(tmp_path: Path, mark: Path) -> Path:
    return run_of_another(tmp_path, hostile(mark))


async def asked(person: Sitting) -> None:
    await person.until(lambda: isinstance(person.app.screen, TrustQuestion))
    await person.until(lambda: "It would run with your rights." in person.text)


async def at_the_run(person: Sitting) -> None:
    await person.press("r")
    await person.until(
        lambda: isinstance(person.app.screen, RunsScreen) and person.app.screen.runs.row is not None
    )


@in_app(size=(80, 24))
async def test_the_model_pane_asks_and_says_why_there_is_no_view(
    person: Sitting, run: Path, mark: Path
):
    person.app.open_run(RunFolder(run))
    await person.press("7")
    await asked(person)
    assert "my_net.py" in person.text
    assert "head.py" in person.text
    assert "remembered until the file changes" in " ".join(help_for(person.app.screen).split())
    await person.press("t")  # as in a word that the user types just then
    assert isinstance(person.app.screen, TrustQuestion)
    await person.press("enter")  # the first answer
    words = "isn't trusted, so its code doesn't run. Press v to be asked again."
    await person.until(lambda: words in person.sentence)
    assert not mark.exists()
    await person.press("v")
    await asked(person)
    await person.press("T")
    await person.until(lambda: person.find(ViewNames).display and "Data" in person.text)
    assert mark.exists()
    assert tutorch("evaluate", run).exit_code == 0  # it is remembered


@in_app()
async def test_resuming_a_run_asks(person: Sitting, run: Path, mark: Path):
    for answer in ("n", "T"):
        await at_the_run(person)
        await person.press("e")
        await person.until(lambda: isinstance(person.app.screen, TextQuestion))
        await person.press("enter")
        await asked(person)
        assert person.app.queue is None
        assert not mark.exists()
        await person.press(answer)
        if answer == "n":
            await person.press("escape")
    await person.until(lambda: person.app.queue is not None)
    await person.trained()
    assert person.history.completed.state == "completed"


@in_app()
async def test_a_new_run_like_another_asks_and_advice_for_it_does(
    person: Sitting, run: Path, mark: Path
):
    await at_the_run(person)
    await person.press("n")
    await asked(person)
    await person.press("escape")
    assert isinstance(person.app.screen, RunsScreen)
    person.app.main.repeat(RunFolder(run), {"lr": 0.25}, "Set lr 0.25.")  # as the key d does
    await asked(person)
    assert not mark.exists()
    await person.press("T")
    await person.until(lambda: person.is_ready and person.draft.lecture.name == "my_net")
    assert person.draft.text("lr") == "0.25"
    assert "Set lr 0.25." in person.said


@in_app()
async def test_a_run_whose_import_never_ends_does_not_stop_the_app(
    person: Sitting, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(watchdog, "PATIENCE", 0.2)
    end = tmp_path / "end"
    waiting = f"import pathlib, time\nwhile not pathlib.Path({str(end)!r}).exists():\n"
    change_code(run, "my_net.py", f"{waiting}    time.sleep(0.01)\n{NET}")
    try:
        await at_the_run(person)
        await person.press("n")
        await asked(person)
        await person.press("T")
        await person.until(lambda: any("my_net.py line" in said for said in person.said))
        await person.press("escape")
        assert person.app.screen is person.app.main
    finally:
        end.touch()


def in_app_with(path: Path | None, see: Callable[[Sitting], Coroutine[Any, Any, None]]) -> None:
    """The app with a lecture that no command has named."""

    async def sit() -> None:
        app = TutorchApp(path, {"runs_dir": "runs"})
        async with app.run_test(size=(120, 36)) as pilot:
            await see(Sitting(app, pilot))

    asyncio.run(sit())


def test_the_lecture_that_was_shown_last_is_asked_about_where_it_has_changed(
    tmp_path: Path, mark: Path, monkeypatch: pytest.MonkeyPatch
):
    net = write(tmp_path / "mine")
    train(net)
    next_program(monkeypatch)
    preferences = preferences_file()
    preferences.change(lecture=name_to_remember(net))
    assert preferences.save() == ""

    async def see_same(person: Sitting) -> None:
        await person.until(lambda: person.is_ready)
        assert person.draft.lecture.name == "my_net"

    async def see_other(person: Sitting) -> None:
        await asked(person)
        await person.press("n")
        await person.until(lambda: "isn't trusted, so its code doesn't run." in person.sentence)
        assert not person.form.can_start
        assert not mark.exists()
        await person.press("1", "up")
        await person.until(lambda: person.is_ready and "13" in person.draft.lecture.name)
        await person.press("down")  # passing by asks nothing
        await person.until(lambda: "isn't trusted, so its code doesn't run." in person.sentence)
        assert person.app.screen is person.app.main
        await person.press("s")
        await asked(person)
        await person.press("T")
        await person.until(lambda: person.is_ready and person.draft.lecture.name == "my_net")
        assert mark.exists()
        net.write_text(NET.replace("epochs=1", "epochs=2"))  # it may be edited from now on
        await person.press("s")
        await person.trained()
        assert person.history.epoch == 2

    in_app_with(None, see_same)
    net.write_text(hostile(mark))
    in_app_with(None, see_other)


@in_app()
async def test_a_file_of_another_user_is_asked_about_and_paths_that_one_sets_are_refused(
    person: Sitting, tmp_path: Path, mark: Path, monkeypatch: pytest.MonkeyPatch
):
    net, configuration = write(tmp_path / "theirs", hostile(mark)), Path("tutorch.toml")
    configuration.write_text('data_dir = "/tmp"')
    of_eve = belongs_to_eve(monkeypatch)
    of_eve(net)
    of_eve(configuration)
    allow_named_file(net)
    await person.app.main.fill_form(net, {})
    await asked(person)
    assert "uid 12345" in person.text
    assert not mark.exists()
    await person.press("T")
    await person.until(lambda: any("line 1: data_dir is refused" in said for said in person.said))
    assert mark.exists()
