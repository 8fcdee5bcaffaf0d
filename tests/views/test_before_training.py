"""Every view of every lecture draws an untrained model; typed and drawn queries work."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets import Data, DataUnavailable, get_dataset, read_dataset
from models import find_lecture, lecture_names
from models.loading.load import load_lecture
from tests.program import few_samples
from tests.tolerances import FLOAT32
from tui_app.drawing.pen import Pen
from tui_app.inspection.probe_context import context_of_settings
from tui_app.inspection.probe_runner import run_probe
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training import prepare
from tui_app.views import load_view
from tui_app.views.view import Frame, View


@pytest.fixture(autouse=True)
def _few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "read_dataset", lambda name, *_, **chosen: read_few(name))


@functools.cache
def read_few(name: str) -> Data:
    return few_samples(read_dataset(name), train=60, test=30)


def context_of(name: str, **given: Any):
    return context_of_settings(resolve_settings(load_lecture(find_lecture(name)), given))


@pytest.mark.parametrize("name", lecture_names())
def test_every_view_draws_an_untrained_model(name: str):
    lecture = load_lecture(find_lecture(name))
    if get_dataset(lecture.datasets[0]).files:
        with pytest.raises(DataUnavailable, match=f"tutorch data fetch {lecture.datasets[0]}"):
            context_of(name)
        return
    context = context_of(name)
    assert context.epoch == context.step == 0
    assert not Path(context.folder.path).exists()
    for view_name in ("data", *lecture.views):
        view = load_view(view_name)
        found = run_probe(context, view.load_probe()).found
        for frame in (Frame(78, 19), Frame(30, 8, Pen(colour=False, ascii=True))):
            lines = view.lines(found, frame)
            assert 0 < len(lines) <= frame.rows
            assert all(line.cell_len <= frame.columns for line in lines), view_name


def drawn(view: View, found: Any, **frame: Any) -> str:
    return "\n".join(line.plain for line in view.lines(found, Frame(100, 30, **frame)))


def moved(found: Any, ask: str, key: str) -> str:
    moves = load_view("by_hand").query_after_key
    assert moves is not None
    return moves(found, ask, key)


def test_arrow_keys_add_tries_by_hand():
    view = load_view("by_hand")
    found = run_probe(context_of("02"), view.load_probe()).found
    assert found.costs.tolist() == pytest.approx([56 / 3], rel=FLOAT32)
    ask = ""
    for key in ("right", "right", "shift+left", "up", "pagedown"):
        ask = moved(found, ask, key)
    assert ask == "0 0.1 0.2 0.19 0.29"
    found = run_probe(context_of("02"), view.load_probe(), ask).found
    assert found.costs[-1] == pytest.approx(14 / 3 * 1.71**2, rel=FLOAT32)
    assert found.slope[0] == pytest.approx(-28 / 3 * 1.71, rel=FLOAT32)
    assert "falls to the right" in drawn(view, found)
    assert not found.is_lowest
    there = run_probe(context_of("02"), view.load_probe(), "1.9 2").found
    assert there.is_lowest
    assert "No arrow step lowers the cost any further" in drawn(
        view, there, pen=Pen(colour=False, ascii=True)
    )
    assert moved(there, "1.9 2", "home") == ""

    both = run_probe(context_of("02", bias=True), view.load_probe(), "1,1 2,0").found
    assert both.names == ("w", "b")
    assert both.costs.tolist() == pytest.approx([(0 + 1 + 4) / 3, 0.0], rel=FLOAT32, abs=0)
    assert moved(both, "2,0", "down") == "2,0 2,-0.1"
    nonsense = run_probe(context_of("02"), view.load_probe(), "1,2 x").found
    assert nonsense.tried.tolist() == [[0.0]]
    assert run_probe(context_of("07"), view.load_probe()).found is None


def test_a_drawing_is_read_like_a_picture_of_the_data_set():
    ink = np.zeros((28, 28), np.uint8)
    ink[4:24, 12:15] = 255
    view, context = load_view("drawing"), context_of("softmax", epochs=1)
    blank = run_probe(context, view.load_probe()).found
    assert blank.seen is None
    assert "Draw on the pad" in drawn(view, blank)
    found = run_probe(context, view.load_probe(), ink.tobytes().hex()).found
    assert found.seen.shape == (1, 28, 28)
    assert found.seen.max() > 100
    assert found.prediction.probabilities.sum() == pytest.approx(1, rel=FLOAT32)
    text = drawn(view, found)
    assert "as the model sees it" in text
    assert text.count(" %") == 11
    assert run_probe(context_of("12"), view.load_probe()).found is None


def test_a_zoomed_cell_of_the_confusion_matrix_shows_its_samples():
    view, context = load_view("confusion"), context_of("softmax")
    found = run_probe(context, view.load_probe()).found
    assert view.places_per_row(found) == 10
    row, column = np.argwhere(found.confusion)[0]
    at, count = int(row * 10 + column + 1), found.confusion[row, column]
    (head, *rest) = view.lines(found, Frame(100, 30, at=at), zoomed=True)
    assert f": {count} of the test set" in head.plain
    assert any(line.plain.strip() for line in rest)
    (row, column) = np.argwhere(found.confusion == 0)[0]
    (head, *_) = view.lines(found, Frame(100, 30, at=int(row * 10 + column + 1)), zoomed=True)
    assert head.plain.endswith(": none of the test set")


def test_an_untrained_model_has_no_descents_to_compare():
    view = load_view("cost_curve")
    found = run_probe(context_of("04"), view.load_probe()).found
    assert len(found.descents) == 1
    assert not {"■", "▲"} & set(drawn(view, found))


def test_a_search_that_tried_nothing_has_an_empty_map():
    view = load_view("cost_surface")
    found = run_probe(context_of("02", bias=True), view.load_probe()).found
    assert "no step yet" in drawn(view, found)


def test_a_cut_line_ends_in_an_ellipsis():
    view = load_view("four_steps")
    found = run_probe(context_of("softmax"), view.load_probe()).found
    count = view.place_count(found, Frame(60, 12))
    seen = "\n".join(
        line.plain for at in range(count) for line in view.lines(found, Frame(60, 12, at=at))
    )
    assert "class SoftmaxClassifier" in seen
    assert "optimizer.step()" in seen
    assert "…" not in seen  # what is too long goes on in the next line
    head = load_view("layers").lines(
        run_probe(context_of("softmax"), load_view("layers").load_probe()).found, Frame(30, 8)
    )[0]
    assert head.plain.endswith("…")
