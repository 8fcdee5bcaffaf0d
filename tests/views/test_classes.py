"""Views of classes: many classes in a small frame, and the samples of a cell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tui_app.drawing.pen import Pen
from tui_app.inspection.probes.predictions import Predictions
from tui_app.views import load_view
from tui_app.views.view import Frame

COUNTRIES = (
    *("Arabic", "Chinese", "Czech", "Dutch", "English", "French", "German", "Greek", "Irish"),
    *("Italian", "Japanese", "Korean", "Polish", "Portuguese", "Russian", "Scottish", "Spanish"),
    "Vietnamese",
)


@pytest.fixture(scope="module")
def names() -> Predictions:
    """5 000 made-up names, most of them Russian, four of five of each country found."""
    random = np.random.RandomState(0)
    targets = np.where(random.rand(5000) < 0.5, 14, random.randint(0, 18, 5000))
    guesses = np.where(random.rand(5000) < 0.8, targets, random.randint(0, 18, 5000))
    shares = np.full((5000, 18), 0.01)
    shares[np.arange(5000), guesses] = 0.83
    letters = random.randint(1, 27, (5000, 6))
    return Predictions(
        classes=COUNTRIES,
        vocabulary=("", *"abcdefghijklmnopqrstuvwxyz"),
        measured="test",
        size=5000,
        rows=np.arange(5000),
        inputs=letters,
        logits=np.log(shares),
        probabilities=shares,
        targets=targets,
    )


def lines(found: Predictions, frame: Frame) -> list[str]:
    return [line.plain for line in load_view("confusion").lines(found, frame)]


def test_eighteen_countries_fit_80_columns_in_percent_of_their_row(names: Predictions):
    head, *rows = lines(names, Frame(80, 24, Pen(colour=False)))[:19]
    assert "in %" in head
    heads = head[10:].split()[:-2]
    assert len(set(heads)) == 18
    for number, row in enumerate(rows):
        cells = [0 if cell == "·" else int(cell) for cell in row[12:].split()[:18]]
        counts = names.confusion[number]
        assert row.startswith(COUNTRIES[number])
        assert cells == [round(100 * count / counts.sum()) for count in counts]
        assert row.rstrip().endswith(f"% {counts.sum():7d}")


def test_cells_are_counts_where_these_fit(names: Predictions):
    head, *rows = lines(names, Frame(160, 48, Pen(colour=False)))[:19]
    assert "%" not in head
    for number, row in enumerate(rows):
        cells = [0 if cell == "·" else int(cell) for cell in row[12:].split()[:18]]
        assert cells == names.confusion[number].tolist()


def test_the_names_behind_a_cell_are_listed(names: Predictions):
    row, column = COUNTRIES.index("Polish"), COUNTRIES.index("Russian")
    shown = lines(names, Frame(80, 24, Pen(colour=False), 1 + 18 * row + column))
    count, total = names.confusion[row, column], names.confusion[row].sum()
    assert shown[-1].startswith(f"{count} of {total} samples of Polish were predicted as Russian")
    chosen = np.flatnonzero((names.targets == row) & (names.predicted == column))
    first = "".join(names.vocabulary[code] for code in names.inputs[chosen[0]])
    assert shown[19].startswith(first)


def test_a_part_of_the_test_set_is_named_as_such(names: Predictions):
    (words,) = [
        line for line in lines(replace(names, size=10_000), Frame(140, 40)) if "always" in line
    ]
    assert "of 5000 right" in words
    assert "test set, 5000 of its 10000 samples" in words


def test_recall_and_precision_are_named_in_both_languages(names: Predictions):
    head = load_view("by_class").lines(names, Frame(80, 24))[0].plain
    assert "recall 召回率" in head
    assert "precision 精确率" in head
    plain = load_view("by_class").lines(names, Frame(80, 24, Pen(ascii=True)))[0].plain
    assert plain.split() == ["class", "samples", "recall", "precision"]


@pytest.mark.parametrize("columns", [50, 80, 150])
def test_a_histogram_is_as_wide_as_its_frame(columns: int):
    shares = np.linspace(0, 1, 40)
    found = Predictions(
        classes=("no", "yes"),
        vocabulary=(),
        measured="test",
        size=40,
        rows=np.arange(40),
        inputs=np.zeros((40, 3), np.float32),
        logits=np.zeros((40, 1), np.float32),
        probabilities=np.stack([1 - shares, shares], axis=1),
        targets=np.arange(40) % 2,
    )
    drawn = [line.plain.rstrip() for line in load_view("by_class").lines(found, Frame(columns, 24))]
    axes = [line for line in drawn if line and set(line) == {"─"}]
    assert [len(line) for line in axes] == [columns - 1] * 2


def test_a_mistake_shows_the_predicted_and_the_true_class(names: Predictions):
    images = replace(
        names,
        classes=tuple("0123456789") + names.classes[10:],
        vocabulary=(),
        inputs=np.zeros((5000, 1, 28, 28), np.uint8),
        targets=np.full(5000, 7),
        probabilities=np.tile(np.eye(18)[1] * 0.6, (5000, 1)),
    )
    text = "\n".join(line.plain for line in load_view("mistakes").lines(images, Frame(80, 24)))
    assert "as 1, is 7" in text
    assert "60 %" in text
