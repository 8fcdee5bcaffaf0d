"""Views of a model in the app: live, after and before training, by hand, drawn, with advice."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.pilot import Sitting, in_app, sitting
from tests.program import LONGEST, metrics_lines
from tui_app.app.widgets import model_pane
from tui_app.app.widgets.drawing_pad import DrawingPad
from tui_app.app.widgets.model_pane import ModelPane
from tui_app.app.widgets.view_area import ViewArea
from tui_app.app.widgets.view_names import ViewNames
from tui_app.drawing.pen import Pen
from tui_app.inspection import probe_runner
from tui_app.inspection.probe_context import Probe, context_of_run
from tui_app.inspection.probe_runner import run_probe
from tui_app.inspection.probes import load_probe
from tui_app.monitoring.model_source import LoadedModel, model_of_run
from tui_app.runs.run_folder import RunFolder


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The probes requested of a run that trains."""
    requested: list[str] = []
    probing = probe_runner.probing

    def count(probe: Probe, ask: str = ""):
        requested.append(probe.__module__.rpartition(".")[2])
        return probing(probe, ask)

    monkeypatch.setattr(probe_runner, "probing", count)
    return requested


def pane(person: Sitting) -> ModelPane:
    return person.app.screen.query_one(ModelPane)


@in_app("06", epochs=200_000)
async def test_a_training_run_is_shown_live_and_not_probed_while_hidden(person, probes):
    await person.press("s")
    await person.until(lambda: person.history.step > 10)
    assert not probes
    await person.press("7")
    await person.until(lambda: "after epoch" in str(pane(person).border_subtitle))
    assert "Probability" in person.text
    first = str(pane(person).border_subtitle)
    await person.until(lambda: str(pane(person).border_subtitle) != first)
    assert set(probes) == {"traits", "line"}

    await person.press("4")
    await person.until(lambda: not pane(person).display)
    count, version = len(probes), person.history.version
    await person.until(lambda: person.history.version > version + 5)
    assert len(probes) == count


@in_app("05", epochs=20)
async def test_after_the_run_its_best_model_is_shown(person):
    await person.press("7")
    await person.until(lambda: "not trained" in person.text and "3 train samples" in person.text)
    await person.press("s")
    await person.trained()
    await person.press("7")
    await person.until(lambda: "best model, of epoch 20" in person.text)
    await person.until(lambda: "whole train set 20 steps" in person.text)


@in_app("02")
async def test_a_finished_run_is_shown_from_its_folder(person, trained: Callable[..., Path]):
    trained("softmax", "--epochs", "12")
    await person.press("r")
    await person.until(lambda: "softmax" in person.text)
    await person.press("enter")
    await person.until(lambda: "train loss" in person.text)
    await person.press("7")
    await person.until(lambda: "of 359 right" in person.text)
    assert "best model, of epoch" in person.text

    await person.press("right", "enter")  # of the first cell: zeros that were predicted right
    await person.until(lambda: "0, predicted right: 3" in person.text)
    await person.press("down")
    await person.until(lambda: "1 predicted as 0: none" in person.text)
    await person.press("escape")
    await person.until(lambda: "0 of 36 samples of 1 were predicted as 0" in person.text)
    await person.press("7")
    await person.until(lambda: not pane(person).display)


@in_app("softmax", epochs=12)
async def test_a_click_on_a_cell_of_the_confusion_matrix_selects_it(person):
    await person.press("s")
    await person.trained()
    await person.press("7")
    await person.until(lambda: "of 359 right" in person.text)
    area = person.find(ViewArea)
    lines = [area.render_line(y).text for y in range(area.size.height)]
    row = next(y for y, line in enumerate(lines) if line.startswith("1 "))
    column = lines[0].index("1")
    await person.pilot.click(ViewArea, offset=(column, row))
    await person.until(lambda: "of 36 samples of 1 were predicted right" in person.text)
    await person.pilot.click(ViewArea, offset=(column, row))
    await person.until(lambda: "1, predicted right" in person.text)
    await person.pilot.click(ViewArea, offset=(column, row))
    await person.until(lambda: "of 36 samples of 1 were predicted right" in person.text)
    await person.pilot.click(ViewArea, offset=(column, 0))  # the heads are no cells
    assert "of 36 samples of 1 were predicted right" in person.text


@in_app("02", bias=True)
async def test_the_first_view_is_one_that_can_be_drawn(person):
    await person.press("s")
    await person.trained()
    await person.press("7")
    await person.until(lambda: "best model" in person.text and "lowest so far" in person.text)
    assert "Cost against w" not in person.text  # it has two weights
    assert "step 1681 of 1681" in person.text
    await person.press("left")
    await person.until(lambda: "step 1680 of 1681" in person.text)
    await person.press("home")
    await person.until(lambda: "step 1 of 1681" in person.text)
    await person.press("end")
    await person.until(lambda: "step 1681 of 1681" in person.text)


@in_app("02", epochs=41)
async def test_by_hand_starts_away_from_the_optimum_after_training_too(person):
    await person.press("s")
    await person.trained()
    await person.press("7")
    await person.until(lambda: "best model, of epoch 21" in person.text)
    await person.press("right_square_bracket")
    await person.until(lambda: "w = 0: cost 18.67" in person.text)
    assert "increase w" in person.text
    await person.press("right")
    await person.until(lambda: "w = 0.1: cost" in person.text)


@in_app("02")
async def test_moving_the_weight_by_hand_changes_the_cost(person):
    await person.press("7")
    await person.until(lambda: "w = 0: cost 18.67" in person.text)
    await person.press("right")
    await person.until(lambda: "w = 0.1: cost 16.85" in person.text)
    await person.press("shift+left")
    await person.until(lambda: "w = 0.09: cost 17.02" in person.text)
    assert "No arrow step lowers the cost" not in person.text
    await person.press("shift+right", *["right"] * 19)
    await person.until(lambda: "w = 2: cost 0" in person.text)
    assert "No arrow step lowers the cost" in person.text
    await person.press("home")
    await person.until(lambda: "tried 1," in person.text)


@in_app("02", bias=True)
async def test_both_weights_are_moved_by_hand(person):
    await person.press("7")
    await person.until(lambda: "w = 0, b = 0" in person.text)
    await person.press("right", "up", "up")
    await person.until(lambda: "w = 0.1, b = 0.2: cost" in person.text)


@in_app("softmax", epochs=12)
async def test_a_drawing_is_classified(person):
    await person.press("s")
    await person.trained()
    await person.press("7", "right_square_bracket")
    await person.until(lambda: isinstance(person.focused(), DrawingPad))
    await person.until(lambda: "Draw on the pad" in person.text)
    await person.press("up", "up", "up", "up", "up", "space", *["down"] * 10)
    await person.until(lambda: "Draw on the pad" not in person.text)
    ink = person.find(DrawingPad).ink
    assert (ink.max(axis=1) > 200).sum() >= 10
    assert (ink.max(axis=0) > 200).sum() <= 3

    context = context_of_run(RunFolder(person.folder), "cpu")
    found = run_probe(context, load_probe("drawing"), ink.tobytes().hex()).found
    best = int(found.prediction.probabilities.argmax())
    share = f"{100 * found.prediction.probabilities[best]:.0f} %"
    await person.until(lambda: f"{best}, {share}" in person.text)

    await person.press("c")
    await person.until(lambda: "Draw on the pad" in person.text)
    assert await person.pilot.mouse_down(DrawingPad, offset=(5, 5))
    assert await person.pilot.hover(DrawingPad, offset=(20, 5))
    await person.pilot.mouse_up(DrawingPad, offset=(20, 5))
    await person.until(lambda: (ink_of(person).max(axis=0) > 200).sum() >= 14)
    await person.until(lambda: "Draw on the pad" not in person.text)


def ink_of(person: Sitting):
    return person.find(DrawingPad).ink


@in_app("softmax")
async def test_the_data_are_shown_before_training_but_never_downloaded(person):
    await person.press("7")
    await person.until(lambda: "digits: 1438 train, 359 test samples" in person.text)
    assert "inputs 64×1×28×28 float32" in person.text
    person.form.draft.change("dataset", "mnist")
    await person.until(lambda: "mnist is not on this disk" in person.text)
    assert "tutorch data fetch mnist" in person.text
    person.form.draft.change("dataset", "digits")
    person.form.draft.change("lr", "nonsense")
    await person.until(lambda: "The settings can't be trained" in person.text)


@in_app("04", size=(80, 24))
async def test_a_typed_gradient_is_judged(person):
    await person.press("7")
    await person.until(lambda: "3 train samples" in person.text)
    await person.press("v")
    await person.until(lambda: "Exercises" in person.text)
    await person.press("down", "down", "enter")
    await person.until(lambda: "Exercise 4-1" in person.text)
    await person.press("enter")
    await person.type("3")
    await person.press("enter")
    await person.until(lambda: "is -8, not 3" in person.text)
    await person.press("backspace", "minus", "8", "enter")
    await person.until(lambda: "= -8: right" in person.text)
    assert "exercise 1 of 2" in person.text
    await person.press("backspace", "backspace")
    await person.type("2 2")
    await person.press("enter")  # two numbers answer the exercise with two weights
    await person.until(lambda: "Exercise 4-2" in person.text)
    assert "exercise 2 of 2" in person.text
    await person.press("escape")
    await person.until(lambda: isinstance(person.focused(), ViewArea))


@in_app("07")
async def test_advice_appears_and_fills_the_form(person):
    await person.press("s")
    await person.trained()
    await person.until(lambda: "stuck at the base rate: d sets activation tanh" in person.text)
    lines = list(metrics_lines(person.folder / "metrics.jsonl"))
    assert [line["settings"] for line in lines if line["kind"] == "advice"] == [
        {"activation": "tanh"}
    ]
    await person.press("d")
    await person.until(lambda: person.form.draft and person.form.draft.text("activation") == "tanh")
    await person.until(lambda: person.form.can_start)
    await person.press("s")
    await person.trained()
    assert person.history.epochs.last("test_accuracy") > 0.8
    assert not person.history.advice


@in_app("softmax", epochs=12, seed=3)
async def test_showing_another_run_leaves_the_training_one_unchanged(
    person, trained: Callable[..., Path]
):
    other = trained("05", "--epochs", "20")
    same = trained("softmax", "--epochs", "12", "--seed", "3")
    await person.press("s")
    await person.until(lambda: person.history.step > 3)
    person.app.open_run(RunFolder(other))
    await person.press("7")
    await person.until(lambda: "whole train set 20 steps" in person.text)
    await person.press("escape")
    await person.trained()
    assert losses(person.folder) == losses(same)


def losses(folder: Path) -> list[float]:
    lines = metrics_lines(folder / "metrics.jsonl")
    return [loss for line in lines if line["kind"] == "steps" for loss in line["losses"]]


@in_app("02")
async def test_a_probe_is_shown_though_the_run_saves_again_before_it_ends(
    person, trained: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
):
    """As it always is on a slow machine while another process trains the run."""
    run, look = trained("06", "--epochs", "20"), LoadedModel.run_probe
    looking, is_over = list[threading.Event](), threading.Event()
    monkeypatch.setattr(model_pane, "_SECONDS", 0.0)

    def look_until_saved(still: LoadedModel, *args: Any) -> Any:
        looking.append(saved := threading.Event())
        assert is_over.is_set() or saved.wait(LONGEST)
        return look(still, *args)

    monkeypatch.setattr(LoadedModel, "run_probe", look_until_saved)
    saves = itertools.count()

    def is_shown_after_another_save() -> bool:
        begun = looking[:]
        sight = model_of_run(run, 20, is_training=True)
        pane(person).show_model(replace(sight, key=next(saves)))
        for waiting in begun:
            waiting.set()
        return "after epoch 20" in str(pane(person).border_subtitle)

    await person.until(is_shown_after_another_save)
    is_over.set()
    for waiting in looking:
        waiting.set()


@in_app("02", size=(200, 60))
async def test_on_a_wide_screen_the_model_takes_the_place_of_the_lesson(person):
    def seen() -> set[str]:
        return {str(pane.id) for pane in person.app.main.query(".pane") if pane.display}

    always = {"lectures", "settings", "training", "log"}
    assert seen() == {*always, "lesson"}
    await person.press("7")
    await person.until(lambda: seen() == {*always, "model"})
    await person.until(lambda: "w = 0: cost" in person.text)
    await person.press("4")
    assert seen() == {*always, "model"}
    await person.press("2")
    assert seen() == {*always, "lesson"}


@in_app("02")
async def test_the_pen_has_the_colours_of_the_theme(person):
    pen = person.app.main.query_one(ViewArea).pen
    assert pen.colour
    assert pen.style("model") == person.app.theme_variables["series-1"]


def test_without_colour_drawings_and_views_consist_of_characters(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")

    async def draw() -> None:
        async with sitting("softmax", (80, 24), epochs=1) as person:
            await person.press("s")
            await person.trained()
            await person.press("7")
            await person.until(lambda: "of 359 right" in person.text)
            assert person.app.main.query_one(ViewArea).pen == Pen(colour=False)
            await person.press("right_square_bracket")
            await person.until(lambda: isinstance(person.focused(), DrawingPad))
            await person.press("space", "down", "down")
            await person.until(lambda: "#" in person.text and "Draw on the pad" not in person.text)

    asyncio.run(draw())


MY_NET = '''
"""My net."""
from torch import nn
from models.lecture import Hyperparameters, Lecture

class MyNet(nn.Module):
    def __init__(self, spec, hyperparameters):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 5)
        self.relu = nn.ReLU()
        self.out = nn.Linear(2 * 24 * 24, 10)

    def forward(self, x):
        return self.out(self.relu(self.conv(x)).flatten(1))

LECTURE = Lecture(
    title="My net", title_zh="我的网络", datasets=("digits",), model=MyNet,
    criterion=nn.CrossEntropyLoss, hyperparameters=Hyperparameters(epochs=1),
)
'''


def test_a_users_net_has_views_whose_names_can_be_reached(tmp_path: Path):
    (tmp_path / "my_net.py").write_text(MY_NET)

    async def look() -> None:
        async with sitting(str(tmp_path / "my_net.py"), (80, 24)) as person:
            await person.press("7")
            await person.until(lambda: "1438 train, 359 test samples" in person.text)
            names = person.find(ViewNames)
            seen, row = set(), person.text.splitlines()[2]
            assert "›" in row
            assert "‹" not in row
            for _ in range(20):
                seen |= {title for _, title in names.shown}
                await person.press("right_square_bracket")
            assert {"Kernels", "Feature maps", "Layers", "Gradient by layer", "Draw"} <= seen
            await person.press("left_square_bracket", "left_square_bracket")
            await person.until(lambda: "‹" in person.text.splitlines()[2])
            await person.press("v")
            await person.until(lambda: "The four steps" in person.text)
            await person.press("end", "enter")
            await person.until(lambda: "class MyNet(nn.Module)" in person.text)
            assert "lines 1 to" in person.text
            await person.press("end")
            await person.until(lambda: "optimizer.step()" in person.text)
            await person.press("up")
            await person.press("home")
            await person.until(lambda: "1. Data" in person.text)

    asyncio.run(look())
