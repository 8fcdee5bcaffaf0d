"""`?` shows the keys of the screen, F1 explains the pane, screen or dialog."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest
from textual.binding import Binding

import tui_app.app
from tests.pilot import in_app, recorded_folder
from tui_app.app.app import TutorchApp
from tui_app.app.dialogs.choice_question import ChoiceQuestion
from tui_app.app.dialogs.pick_from_list import PickFromList
from tui_app.app.dialogs.text_question import TextQuestion
from tui_app.app.screens.command_texts import sentence_of
from tui_app.app.screens.compare import CompareScreen
from tui_app.app.screens.help_texts import HELP
from tui_app.app.screens.main_screen.main import MainScreen
from tui_app.app.screens.run import RunScreen
from tui_app.app.widgets.adjustable_chart import action_of_chart
from tui_app.monitoring.recorded_run import RecordedRun
from tui_app.runs.run_table import RunTable


def _all_bindings() -> list[tuple[Binding, type]]:
    modules = [
        importlib.import_module(info.name)
        for info in pkgutil.walk_packages(tui_app.app.__path__, "tui_app.app.")
    ]
    classes = {kind for m in modules for kind in vars(m).values() if isinstance(kind, type)} | {
        TutorchApp
    }
    own = [kind for kind in classes if kind.__module__.startswith("tui_app.")]
    return [
        (binding, kind)
        for kind in own
        for binding in vars(kind).get("BINDINGS", ())
        if isinstance(binding, Binding)
    ]


def test_every_key_has_a_sentence():
    found = _all_bindings()
    assert len(found) > 80
    for binding, kind in found:
        sentence = sentence_of(binding, kind)
        is_pane = binding.action.startswith("pane(")
        assert is_pane or sentence != binding.description, f"no sentence for {binding.action}"
        assert 0 < len(sentence) <= 54, sentence


def test_help_texts_take_their_keys_from_bindings():
    actions = {action_of_chart(binding.action) for binding, _ in _all_bindings()}
    typed = {"!", "/", "0.1,0.01", "csv:FILE", "folder:DIR", "tutorch doctor"}
    typed |= {"1e-4..1", "1e-4..1:log", "sgd|adam", "median", "hyperband", "none"}
    for name, text in HELP.items():
        for action in re.findall(r"\{(.+?)\}", text):
            assert action in actions, f"{name}: no key is bound to {action}"
        assert set(re.findall("`(.+?)`", text)) <= typed, name


@in_app(size=(80, 24))
async def test_help_names_the_keys_of_the_focused_pane(person):
    for pane, sentences in (
        ("3", ("F9 resets a field", "shift+F9 all", "ctrl+z undoes")),
        ("4", ("space pauses and continues", ". trains one step", "w saves")),
        ("7", ("[ and ] go to the view before",)),
    ):
        await person.press("escape", pane, "f1")
        await person.until(lambda: "Esc: back" in person.text)
        text = " ".join(person.text.replace("│", " ").split())
        assert all(sentence in text for sentence in sentences), text
        await person.press("escape")


@in_app(size=(80, 24))
async def test_the_page_of_keys_begins_with_those_of_the_focused_pane(person):
    await person.press("question_mark")
    await person.until(lambda: "Keys: main screen" in person.text)
    inside = [line.split("│")[2] for line in person.text.splitlines() if line.count("│") >= 4]
    with_key = [line for line in inside if line.strip()]
    assert len(with_key) >= 18
    assert "Start training with these settings" in person.text
    await person.press("escape", "7")
    await person.press("question_mark")
    await person.until(lambda: "Choose a view from a list" in person.text)
    lines = person.text.splitlines()
    assert any("│ Model" in line for line in lines[1:4])


@in_app(size=(80, 24))
async def test_keys_and_help_belong_to_the_screen(person, tmp_path):
    recorded_folder(tmp_path / "runs")
    await person.press("r")
    await person.until(lambda: "softmax" in person.text)
    await person.press("question_mark")
    await person.until(lambda: "Keys: runs" in person.text)
    assert "Compare the marked runs" in person.text and "Open the run" in person.text
    assert "Start training" not in person.text
    await person.press("escape", "f1")
    await person.until(lambda: "Runs. Every run folder" in person.text)
    await person.press("escape")

    row = RunTable(tmp_path / "runs").rows()[0]
    for screen, keys, help_text in (
        (
            RunScreen(RecordedRun(row.folder)),
            "Show the model, or the chart again",
            "One run. Its chart",
        ),
        (CompareScreen([row, row]), "Compare another metric", "Compare. The curves"),
    ):
        person.app.push_screen(screen)
        await person.until(lambda screen=screen: person.app.screen is screen)
        await person.press("question_mark")
        await person.until(lambda keys=keys: keys in person.text)
        assert "Compare the marked runs" not in person.text
        await person.press("escape", "f1")
        await person.until(lambda help_text=help_text: help_text in person.text)
        await person.press("escape")
        await person.until(lambda screen=screen: person.app.screen is screen)
        person.app.pop_screen()
    await person.press("escape", "o", "f1")
    await person.until(lambda: "Source. The file" in person.text)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: TextQuestion("How many?", "1"), "A value. Type it"),
        (lambda: PickFromList([("a", "a")], "a"), "A list. Choose"),
        (lambda: ChoiceQuestion("Which?", [("a", "This one")]), "A question. Choose"),
    ],
    ids=["ask", "pick", "choose"],
)
def test_f1_explains_a_dialog(make, sentence):
    @in_app(size=(80, 24))
    async def explain(person):
        dialog = make()
        person.app.push_screen(dialog)
        await person.press("f1")
        await person.until(lambda: sentence in person.text)
        await person.press("escape")
        assert person.app.screen is dialog
        assert "Esc: cancel" in person.text
        await person.press("escape")
        await person.until(lambda: person.app.screen is person.app.main)

    explain()


def test_no_key_of_the_main_screen_has_two_actions():
    meanings: dict[str, set[str]] = {}
    for kind in MainScreen.__mro__:
        for binding in vars(kind).get("BINDINGS", ()):
            for key in binding.key.split(","):
                meanings.setdefault(key, set()).add(binding.action)
    meanings["space"] -= {"go_on"}  # of a run that is paused
    meanings["f6"] -= {"go_on"}
    for key in ("l", "f7"):
        meanings[key] -= {"find_lr"}  # while no run trains
    assert {key: acts for key, acts in meanings.items() if len(acts) > 1} == {}
