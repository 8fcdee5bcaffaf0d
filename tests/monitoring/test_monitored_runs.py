"""A run as screens monitor it: its history, its curves, and run folders of other programs."""

from __future__ import annotations

import json
import math
import time
from array import array
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from models import find_lecture
from models.loading.load import load_lecture
from tests.pilot import recorded_events, recorded_folder
from tests.program import train
from tests.tolerances import FLOAT64
from tui_app.app.form.settings_draft import SettingsDraft
from tui_app.app.widgets.run_progress import StepRate
from tui_app.app.widgets.score_table import relative_result
from tui_app.drawing.ticks import growing_end, log_ticks, tick_text, ticks
from tui_app.monitoring.curves.bucketing import bucketed
from tui_app.monitoring.curves.picture import ChartView
from tui_app.monitoring.curves.readings import read_off
from tui_app.monitoring.curves.run_curves import RunCurves
from tui_app.monitoring.curves.smoothing import Smoothed
from tui_app.monitoring.history import History
from tui_app.monitoring.recorded_run import RecordedRun
from tui_app.monitoring.run_info import RunInfo
from tui_app.runs.events import Advised, BestImproved, Event, StepsCompleted
from tui_app.runs.metrics.metrics_codec import decode
from tui_app.runs.metrics.metrics_file import MetricsFile, read_events
from tui_app.runs.run_folder import RunFolder
from tui_app.terminal.ascii_filter import in_ascii

ADVICE = {"kind": "advice", "run": "run", "epoch": 1, "step": 23, "name": "slow", "text": "Try."}


def history_of(*, epochs: int = 12) -> History:
    history = History()
    history.info = RunInfo("lecture", "data", 20, 23, "test_accuracy", base_rates={"accuracy": 0.1})
    for event in recorded_events("run", epochs):
        history.record(event)
    return history


# History


def test_a_history_holds_every_step_and_epoch():
    history = history_of()
    assert history.step == 12 * 23
    assert history.epoch == 12
    assert history.state == "paused"
    assert history.epochs.last("test_loss") == pytest.approx(0.19, abs=0.005)  # to two digits
    assert [change.lr for change in history.lr_changes] == [0.05]


def test_a_value_that_not_every_epoch_has_is_nan_elsewhere():
    history = history_of(epochs=2)
    history.epochs.append(3, 69, 1.0, {"train_loss": 1.0, "new": 5.0})
    assert math.isnan(history.epochs.values["new"][0])
    assert math.isnan(history.epochs.values["test_loss"][2])


def test_repeated_steps_count_once_and_missing_ones_are_nan():
    history = History()
    take = lambda first, *losses: history.record(  # noqa: E731
        StepsCompleted(run="r", epoch=1, first_step=first, lr=0.1, losses=losses)
    )
    take(1, 1.0, 2.0, 3.0)
    take(2, 5.0)
    assert list(history.losses) == [1.0, 5.0]
    take(4, 6.0)
    assert math.isnan(history.losses[2])
    assert history.step == 4


def test_recorded_events_are_read_back_unchanged(tmp_path: Path):
    file = MetricsFile(tmp_path / "metrics.jsonl")
    advice = {"lr": 0.02, "widths": (32, 16), "optimizer": "adam", "bias": True}
    about = {"run": "run", "epoch": 12, "step": 276, "name": "plateau", "text": "Try lr 0.02."}
    events = [*recorded_events("run"), Advised(**about, settings=advice)]
    for event in events:
        file(event)
    file.close()
    read = read_events(tmp_path / "metrics.jsonl", Event)
    recorded = [event for event in events if event.kind not in ("started", "state")]
    assert [asdict(event) for event in read] == [asdict(event) for event in recorded]


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"kind": "steps"},
        {"kind": "steps", "losses": "x"},
        {"kind": ["a"]},
        {"kind": "epoch"},
        {**ADVICE, "settings": 3},
        {**ADVICE, "settings": {"lr": {"a": 1}}},
        {**ADVICE, "settings": {"widths": [[1]]}},
        {**ADVICE, "settings": {"lr": "1\x1b[2J"}},
    ],
)
def test_a_line_that_is_no_event_is_skipped(line):
    assert decode(json.dumps(line).encode()) is None


def test_the_log_has_only_some_epochs_of_a_long_run():
    history = History()
    history.info = RunInfo("lecture", "data", 100_000, 1)
    for event in recorded_events("run", 1000):
        history.record(event)
    assert 3 < len(history.log.lines) < 30


# Curves


@pytest.mark.parametrize("span", [3, 30, 1000])
def test_smoothing_in_pieces_is_the_debiased_recursion(span: int):
    values = np.random.default_rng(0).random(3000)
    weight, mean, expected = 1 - 1 / span, 0.0, []
    for n, value in enumerate(values, 1):
        mean = weight * mean + (1 - weight) * value
        expected.append(mean / (1 - weight**n))
    smoothed, source, result = Smoothed(span), array("d"), np.empty(0)
    for start in range(0, 3000, 7):
        source.extend(values[start : start + 7])
        result = smoothed.of(source)
    np.testing.assert_allclose(result, expected, rtol=FLOAT64)


def test_smoothing_skips_nan_and_restarts_after_a_rewind():
    smoothed = Smoothed(10)
    source = array("d", [1.0, math.nan, 1.0])
    assert list(smoothed.of(source)) == [1.0, pytest.approx(math.nan, nan_ok=True), 1.0]
    assert list(smoothed.of(array("d", [2.0]))) == [2.0]


def test_no_peak_is_lost_in_buckets():
    values = np.zeros(1_000_000)
    values[123_456], values[654_321] = 9.0, -9.0
    places, drawn = bucketed(values, 100)
    assert len(places) == len(drawn) == 200
    assert drawn.max() == 9.0
    assert drawn.min() == -9.0


def test_ticks_are_round_and_inside():
    assert ticks(0, 2.3, 5) == pytest.approx([0, 0.5, 1, 1.5, 2], rel=FLOAT64)
    assert ticks(1, 1, 5) == [1]
    for low, high in ((0.0, 9e9), (-3.2, -3.1), (1e-9, 2e-9)):
        places = ticks(low, high, 5)
        assert 2 <= len(places) <= 11
        slack = (high - low) * 1e-6
        assert all(low - slack <= place <= high + slack for place in places)
    assert log_ticks(-3, 3, 6) == [-3, -2, -1, 0, 1, 2, 3]
    assert len(log_ticks(0.1, 0.2, 5)) >= 2
    assert all(
        len(tick_text(value)) <= 7 for value in (0, 1e-12, 0.001234, 12345.678, 9.9e30, -2e-5)
    )


def test_the_x_axis_grows_by_doubling():
    ends = [growing_end(step, 1000) for step in range(1, 1001)]
    assert len(set(ends)) == 10
    assert all(end >= step for step, end in enumerate(ends, 1))


def test_a_million_steps_are_drawn_quickly():
    history = History()
    history.info = RunInfo("lecture", "data", 1000, 1000, "test_loss")
    losses = tuple(np.random.default_rng(0).random(1_000_000).tolist())
    history.record(StepsCompleted(run="r", epoch=1, first_step=1, lr=0.1, losses=losses))
    curves, view = RunCurves(history), ChartView()
    curves.loss(view, 120)
    history.record(
        StepsCompleted(run="r", epoch=1000, first_step=1_000_001, lr=0.1, losses=(0.5,) * 100)
    )
    started = time.thread_time()
    picture = curves.loss(view, 120)
    assert time.thread_time() - started < 0.1
    assert all(len(curve.x) <= 240 for curve in picture.curves)


@pytest.mark.parametrize("axis", ["step", "epoch", "seconds"])
def test_the_cursor_reads_a_step_on_every_axis(axis):
    curves = RunCurves(history_of())
    assert read_off(curves, ChartView(axis=axis, cursor=0.0)).startswith("step 1 ")
    text = read_off(curves, ChartView(axis=axis, cursor=1.0))
    assert text.startswith("step 276 (epoch 12.0)  loss ")
    assert "  97." in text


def test_results_are_compared_as_a_ratio_of_errors():
    first, second = History(), History()
    best = {"run": "r", "epoch": 1, "step": 1, "metric": "test_accuracy"}
    first.record(BestImproved(**best, value=0.90))
    second.record(BestImproved(**best, value=0.93))
    assert relative_result(second, first) == "error 30 % lower"
    assert relative_result(first, first) == ""


def test_the_step_rate_is_measured_over_the_last_seconds():
    rate = StepRate()
    assert rate.per_second is None
    for second in range(20):
        rate.record(10 * second if second < 10 else 90 + 100 * (second - 9), now=float(second))
    assert rate.per_second == pytest.approx(100, rel=FLOAT64)


# Run folders of other programs


def test_a_growing_run_is_read_line_by_line(tmp_path: Path):
    folder = recorded_folder(tmp_path)
    monitored = RecordedRun(folder)
    metrics = MetricsFile(folder.metrics)
    events = list(recorded_events(folder.name))
    for event in events[:8]:
        metrics(event)
    metrics.close()
    with folder.metrics.open("a") as file:
        file.write(
            '{"kind": "epoch", "run": "r", "epoch": 99'
        )  # a line that is still being written
    assert monitored.poll()
    epochs = monitored.history.epoch
    assert epochs >= 1
    with folder.metrics.open("a") as file:
        values = (
            ', "step": 2277, "lr": 0.1, "seconds": 1, "samples_per_second": 1, "test_loss": 2}\n'
        )
        file.write(values)
    assert monitored.poll()
    assert monitored.history.epoch == 99


def test_a_resumed_run_is_read_from_the_start_again(tmp_path: Path):
    folder = recorded_folder(tmp_path)
    monitored = RecordedRun(folder)
    metrics = MetricsFile(folder.metrics)
    for event in recorded_events(folder.name):
        metrics(event)
    metrics.close()
    monitored.poll()
    assert monitored.history.epoch == 12
    lines = folder.metrics.read_text().splitlines(keepends=True)
    folder.metrics.write_text("".join(lines[:6]))
    monitored.poll()
    assert 0 < monitored.history.epoch < 12


def test_a_finished_run_is_over_and_its_log_is_text(tmp_path: Path):
    path = train("02", "--epochs", 3, "--runs-dir", tmp_path / "runs")
    with (path / "log.txt").open("a") as log:
        log.write("Traceback (most recent call last):\n\tsomething \x1b[31m\n")
    monitored = RecordedRun(RunFolder(path))
    monitored.poll()
    assert monitored.is_over
    assert monitored.history.completed is not None
    texts = [line.text for line in monitored.history.log.lines]
    assert any(text.startswith("epoch 3  train loss") for text in texts)
    assert texts[-1] == r"    something \x1b[31m"


def test_a_damaged_run_folder_is_reported(tmp_path: Path):
    folder = recorded_folder(tmp_path)
    folder.run_json.write_text("{")
    monitored = RecordedRun(folder)
    monitored.poll()
    assert monitored.failure is not None
    assert monitored.history.info is None


# The draft behind the form


def draft_of(lecture: str, **given) -> SettingsDraft:
    return SettingsDraft(load_lecture(find_lecture(lecture)), "runs", given)


def test_defaults_follow_the_data_set_and_what_was_typed_stays():
    draft = draft_of("softmax")
    assert (draft.text("lr"), draft.text("epochs")) == ("0.1", "20")
    draft.change("epochs", "7")
    draft.change("dataset", "mnist")
    assert (draft.text("lr"), draft.text("epochs")) == ("0.01", "7")
    draft.change("epochs", "10")
    assert "epochs" not in draft.texts


def test_a_default_of_a_choice_follows_another_choice():
    draft = draft_of("02")
    assert draft.text("epochs") == "41"
    draft.change("bias", "true")
    assert draft.text("epochs") == "1681"


def test_several_values_make_the_product_of_runs():
    draft = draft_of("softmax")
    draft.change("lr", "0.1, 0.01")
    draft.change("widths", "32;64,32")
    settings = [(r.hyperparameters.lr, r.hyperparameters.widths) for r in draft.runs()]  # pyright: ignore[reportAttributeAccessIssue]
    assert settings == [(0.1, (32,)), (0.1, (64, 32)), (0.01, (32,)), (0.01, (64, 32))]
    draft.change("seed", ",".join(map(str, range(50))))
    assert "64 is the most" in draft.problems()[""]


def test_what_means_nothing_beside_the_others_is_left_out():
    draft = draft_of("softmax")
    draft.change("momentum", "0.9")
    draft.change("optimizer", "adam")
    assert draft.problems() == {}
    assert not draft.is_useful("momentum")
    assert len(draft.runs()) == 1


@pytest.mark.parametrize("text", ["", "x", "-1", "1e999", "nan", "0.1,,0.2"])
def test_what_a_field_does_not_take_is_told_under_its_name(text: str):
    draft = draft_of("softmax")
    draft.change("lr", text)
    assert "lr: a number > 0" in draft.problems()["lr"]


# ASCII


def test_every_sign_has_as_many_cells_in_ascii():
    text = "╭─ Lessons ▼ ━━ • ⣿⡇ ● 多分类 é … ²"
    plain = in_ascii(text)
    assert plain.isascii()
    assert len(plain) == len(text) + 3
    assert "多分类" in in_ascii(text, keep_wide=True)


def test_epochs_that_share_a_line_give_the_same_history(tmp_path: Path):
    folder = recorded_folder(tmp_path)
    metrics = MetricsFile(folder.metrics, lambda: 0.0)
    one_by_one = History()
    for event in recorded_events(folder.name):
        metrics(event)
        if event.kind not in ("started", "state"):
            one_by_one.record(event, log=False)
    metrics.close()
    assert '"kind": "epochs"' in folder.metrics.read_text()
    monitored = RecordedRun(folder)
    monitored.poll()
    history = monitored.history
    assert repr(history.epochs) == repr(one_by_one.epochs)  # NaN is like NaN there
    assert history.losses == one_by_one.losses
    for name in ("best", "lr", "samples_per_second", "step", "epoch", "completed"):
        assert getattr(history, name) == getattr(one_by_one, name), name
