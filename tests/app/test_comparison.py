"""Comparing runs: ratios, a table with fixed columns, the curve in front, captions."""

from __future__ import annotations

import pytest

from tests.pilot import Sitting, in_app, recorded_events
from tests.program import train
from tui_app.app.screens.compare import CompareScreen
from tui_app.app.screens.runs_screen.runs import RunsScreen
from tui_app.app.widgets.comparison import Comparison
from tui_app.app.widgets.curve_plot import CurvePlot
from tui_app.app.widgets.score_table import Score, relative_result, score_table
from tui_app.monitoring.curves.overlay import Overlaid, overlay
from tui_app.monitoring.curves.picture import ChartView
from tui_app.monitoring.curves.run_curves import RunCurves
from tui_app.monitoring.history import History
from tui_app.monitoring.run_info import RunInfo
from tui_app.runs.event_text import describe_event
from tui_app.runs.events import BestImproved, RunCompleted


def history_of(value: float, metric: str = "test_loss", dataset: str = "data") -> History:
    history = History()
    history.info = RunInfo("lecture", dataset, 20, 23, metric)
    history.record(BestImproved(run="r", epoch=3, step=1, metric=metric, value=value))
    return history


def completed(state: str, reason: str, seconds: float = 1.0) -> RunCompleted:
    return RunCompleted(
        run="r",
        state=state,  # pyright: ignore[reportArgumentType]
        reason=reason,
        exit_code=0,
        epoch=1,
        step=1,
        seconds=seconds,
        metric="test_loss",
        best_value=1.0,
        best_epoch=1,
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1.0, "same"),
        (1.004, "same"),
        (1.3, "loss 30 % higher"),
        (0.7, "loss 30 % lower"),
        (15.0, "loss 15×"),
        (5781122.0, "loss 5.8e6×"),
        (0.0031, "loss 0.0031×"),
        (6.5e-14, "loss 6.5e-14×"),
        (0.0, "loss 100 % lower"),
    ],
)
def test_a_result_is_compared_with_the_first_run(value, words):
    assert relative_result(history_of(value), history_of(1.0)) == words
    assert len(words) <= 16


def test_results_of_other_data_are_not_compared():
    assert relative_result(history_of(2.0, dataset="other"), history_of(1.0)) == ""
    assert relative_result(history_of(0.5, "test_accuracy"), history_of(1.0)) == ""


@pytest.mark.parametrize("width", [40, 78, 90, 158])
def test_the_columns_of_the_table_keep_their_place_while_runs_train(width):
    fresh, first, second = History(), history_of(1.0), history_of(5781122.0)
    second.record(completed("completed", "all 20 epochs trained", 3723.0))
    labels = ["lr=0.1", "lr=0.05 optimizer=adam momentum=0.9 and much more besides"]
    stages = [
        [Score(labels[0], "red", a, "waiting"), Score(labels[1], "blue", b, state)]
        for a, b, state in (
            (fresh, fresh, "loading"),
            (first, fresh, "running"),
            (first, second, "completed"),
        )
    ]
    tables = [score_table(scores, width, None).plain.splitlines() for scores in stages]
    assert len({table[0] for table in tables}) == 1, "one heading"
    assert all(len(line) <= width for table in tables for line in table)
    heading, one, other = tables[-1]
    assert one[heading.index("best") :].startswith("loss 1.000")
    assert other[heading.index("best") :].startswith("loss 5.8e+06")
    assert ("…" in other) == (width < 120)
    assert ("state" in heading) == (width > 40)
    if "vs. first run" in heading:
        assert other[heading.index("vs.") :].startswith("loss 5.8e6×")
    marked = score_table(stages[-1], width, 1).plain.splitlines()
    assert marked[2].startswith("▶━")
    assert [line[2:] for line in marked] == [line[2:] for line in tables[-1]]


def test_the_run_in_front_is_drawn_last_and_keeps_its_colour():
    runs = []
    for label in ("a", "b", "c"):
        history = History()
        history.info = RunInfo("lecture", "data", 20, 23, "test_accuracy")
        for event in recorded_events("run", 3):
            history.record(event)
        runs.append(Overlaid(label, RunCurves(history)))
    natural = overlay(runs, ChartView(), 60, "loss").curves
    assert [(curve.label, curve.colour) for curve in natural] == [
        ("a", "series-1"),
        ("b", "series-2"),
        ("c", "series-3"),
    ]
    in_front = overlay(runs, ChartView(), 60, "loss", front=0).curves
    assert [(curve.label, curve.colour) for curve in in_front] == [
        ("b", "series-2"),
        ("c", "series-3"),
        ("a", "series-1"),
    ]


def test_the_caption_names_the_metric_the_smoothing_and_the_run_in_front():
    for lr in (0.1, 0.5):
        train("06", "--epochs", 4, "--lr", lr, "--runs-dir", "runs")

    @in_app("06", size=(80, 24))
    async def look(person: Sitting):
        await person.press("r")
        await person.until(lambda: isinstance(person.app.screen, RunsScreen))
        await person.until(lambda: "2 runs, by age" in person.text)
        await person.press("space", "space", "c")
        await person.until(lambda: isinstance(person.app.screen, CompareScreen))
        await person.until(lambda: "vs. first run" in person.text and "completed" in person.text)
        assert "train loss after each epoch by step · ↑↓ brings a run" in person.text
        assert "m Metric" in person.text and "↑↓ Front" in person.text
        await person.press("m")
        assert "train loss, smoothed over 10 steps, by step" in person.text
        await person.press("minus", "minus", "a", "g")
        assert "train loss of each step by epoch, logarithmic" in person.text
        await person.press("down")
        assert "▶ lr=0.5 · train loss" in person.text
        drawn = person.app.screen.query_one(Comparison).query_one(CurvePlot).picture.curves
        assert [curve.label for curve in drawn] == ["lr=0.1", "lr=0.5"]
        await person.press("down", "down")
        assert "brings a run to the front" in person.text

    look()


def test_an_end_is_told_once():
    assert describe_event(completed("stopped", "stopped by you")) == "stopped by you"
    told = describe_event(completed("completed", "all 3 epochs trained"))
    assert told == "completed: all 3 epochs trained"
