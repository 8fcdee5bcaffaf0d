"""The key of the lr, while no run trains: finds one and puts it into the form."""

from __future__ import annotations

from pathlib import Path

import pytest

from datasets.reading.progress import LoadingStopped
from tests.pilot import in_app
from tui_app.app.dialogs.lr_find_dialog import LrFindDialog
from tui_app.inspection.lr_finder import finder
from tui_app.monitoring.random_numbers import RANDOM_NUMBER_LOCK


async def found(person) -> None:
    await person.until(lambda: isinstance(person.app.screen, LrFindDialog))
    await person.until(lambda: "suggestion" in person.text)


@in_app("03", size=(80, 24))
async def test_enter_puts_the_suggestion_into_the_form_and_undo_takes_it_out(person, tmp_path):
    await person.press("l")
    await found(person)
    for words in ("valley", "steepest", "below the limit", "diverges from lr 0.214", "1e-6"):
        assert words in person.text
    await person.press("enter")
    await person.until(lambda: person.app.screen is person.app.main)
    lr = float(person.draft.text("lr"))
    assert 0.001 < lr < 0.2
    await person.until(lambda: f"lr set to {lr:g}; press s to train." in person.said)
    await person.until(lambda: f"● lr              {lr:g}" in person.text)
    assert not list(Path(tmp_path).rglob("*.pt"))
    await person.press("ctrl+z")
    await person.until(lambda: person.draft.text("lr") == "0.01")


@in_app("03", size=(160, 48))
async def test_the_arrows_choose_and_the_last_choice_lies_below_the_limit(person):
    await person.press("3", *["down"] * 4)
    await person.until(lambda: "F7 finds one while no run trains." in person.sentence)
    await person.press("f7")
    await found(person)
    await person.press("left", "enter")
    await person.until(lambda: person.app.screen is person.app.main)
    assert float(person.draft.text("lr")) == pytest.approx(3 / 14, rel=0.05)


@in_app("03")
async def test_escape_ends_it_and_changes_nothing(person, monkeypatch):
    stopped = []

    def endless(settings, on_progress, is_stopped):
        while not is_stopped():
            pass
        stopped.append(True)
        raise LoadingStopped("stopped")

    monkeypatch.setattr(finder, "find_lr", endless)
    await person.press("l")
    await person.until(lambda: isinstance(person.app.screen, LrFindDialog))
    await person.until(RANDOM_NUMBER_LOCK.locked)
    await person.press("escape")
    await person.until(lambda: stopped and not RANDOM_NUMBER_LOCK.locked())
    assert person.app.screen is person.app.main
    assert not person.draft.texts


@in_app("02")
async def test_without_an_lr_a_notice_says_so(person):
    await person.press("l")
    await person.until(lambda: any("without an lr" in text for text in person.said))
    assert person.app.screen is person.app.main


@in_app("03", size=(80, 24), epochs=10**7)
async def test_while_a_run_trains_the_key_changes_its_lr(person):
    await person.press("s")
    await person.until(lambda: person.history.step > 0)
    await person.press("l")
    await person.until(lambda: "Learning rate from the next step on" in person.text)
    await person.press("escape", "x")
    await person.trained()


@in_app("03", size=(80, 24))
async def test_what_fails_is_said_in_the_charts_place(person, monkeypatch):
    def fails(*arguments):
        raise ValueError("it is broken")

    monkeypatch.setattr(finder, "find_lr", fails)
    await person.press("l")
    await person.until(lambda: "it is broken" in person.text)
    await person.press("enter", "escape")
    await person.until(lambda: person.app.screen is person.app.main)


@in_app("03", size=(80, 24))
async def test_the_palette_has_it(person):
    await person.press("ctrl+p")
    await person.type("find a learn")
    await person.until(lambda: "Find a learning rate for these settings  l F7" in person.text)
