"""How predictions changed over the epochs, for a finished run and one that trains."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.tolerances import FLOAT32
from tests.views.test_views import found_in
from tui_app.drawing.pen import Pen
from tui_app.inspection.probe_context import Report, context_of_run
from tui_app.inspection.probe_runner import Snapshot, run_probe
from tui_app.inspection.probes import changes, load_probe
from tui_app.monitoring.live_view import LiveView
from tui_app.monitoring.static_view import StaticView
from tui_app.runs.events import BestImproved
from tui_app.runs.metrics.metrics_file import last_event
from tui_app.runs.run_folder import RunFolder
from tui_app.text.cells import cut_distinct
from tui_app.training.steering.control import Control
from tui_app.training.throttle import Throttle
from tui_app.views import load_view
from tui_app.views.view import Frame, View

RUN = ("07", "--dataset", "moons", "--epochs", "20")


def best_epoch(folder: Path) -> int:
    best = last_event(folder / "metrics.jsonl", BestImproved)
    assert best is not None
    return best.epoch


def test_every_epoch_of_the_run_is_recomputed(trained: Callable[..., Path]):
    folder = trained(*RUN)
    found = found_in(folder, "changes")
    assert found.epochs.tolist() == list(range(21))
    # What the best model says is what the run said after that epoch. Not to the bit: these are a
    # batch of 24, those the whole set.
    best = found_in(folder, "predictions")
    np.testing.assert_allclose(
        found.probabilities[best_epoch(folder)], best.probabilities[found.rows], atol=FLOAT32
    )
    worst = best.losses[found.rows]
    assert (np.diff(worst) <= 0).all()
    assert worst[0] == best.losses.max()


def test_the_requested_sample_comes_first(trained: Callable[..., Path]):
    found = found_in(trained(*RUN), "changes", "17")
    assert found.rows[0] == 16
    lines = load_view("changes").lines(found, Frame(80, 24))
    assert any(line.plain.startswith("sample 17 of the test set") for line in lines)
    assert len(set(found.rows.tolist())) == len(found.rows) == 24


def test_epochs_that_take_too_long_are_left_out_and_the_best_model_comes_last(
    trained: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(changes, "_SECONDS", 0.0)
    folder = trained("07", "--dataset", "moons", "--activation", "tanh", "--epochs", "9")
    best = best_epoch(folder)
    assert best > 1
    found = found_in(folder, "changes")
    assert found.epochs.tolist() == [0, 1, best]
    lines = load_view("changes").lines(found, Frame(80, 24))
    assert f"{found.missing} epochs are left out" in lines[-1].plain


def test_snapshots_of_a_run_that_trains_are_merged(
    trained: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
):
    whole = found_in(trained(*RUN), "changes")

    def result_of(row: int, rows: np.ndarray = whole.rows) -> changes.Changes:
        return changes.replace(
            whole,
            rows=rows,
            epochs=whole.epochs[row : row + 1],
            probabilities=whole.probabilities[row : row + 1],
        )

    live = LiveView(load_view("changes"), Control())
    for row in (2, 3, 7):
        answered: Future[Snapshot] = Future()
        answered.set_result(Snapshot(result_of(row), "run", row, row, 0.0))
        live._waiting = answered
        assert live.poll()
    assert live.snapshot is not None
    assert live.snapshot.found.epochs.tolist() == [2, 3, 7]
    np.testing.assert_array_equal(live.snapshot.found.probabilities, whole.probabilities[[2, 3, 7]])
    lengthened: list[float] = []
    monkeypatch.setattr(Throttle, "lengthen_pause", lambda _, cost: lengthened.append(cost))
    assert live.lines(Frame(80, 24)) and live.lines(Frame(80, 24))
    assert len(lengthened) == 1  # only the first drawing of a snapshot counts as time of the probe
    # Results for other samples replace the earlier ones.
    assert changes.join_changes(result_of(2), result_of(3, whole.rows[::-1])).epochs.tolist() == [3]  # pyright: ignore[reportOptionalMemberAccess]
    assert changes.join_changes(None, result_of(3)) is not None


def test_right_and_wrong_differ_without_colour(trained: Callable[..., Path]):
    found = found_in(trained(*RUN), "changes")
    guesses = found.probabilities.argmax(axis=2) == found.targets
    for at in range(len(found.rows)):
        lines = load_view("changes").lines(found, Frame(80, 40, Pen(colour=False, ascii=True), at))
        signs = [line.plain[6] for line in lines[1:22]]
        assert [sign == "+" for sign in signs] == guesses[:, at].tolist()


def test_a_model_without_classes_has_no_changes(trained: Callable[..., Path]):
    folder = trained("03", "--epochs", "5")
    assert found_in(folder, "changes") is None
    assert RunFolder(folder).read_record().lecture.startswith("lecture_03")


def test_names_are_cut_so_that_they_differ():
    names = ["Polish", "Portuguese", "Russian", "Scottish", "Spanish", "Chinese", "Czech"]
    assert cut_distinct(names, 2) == ["Pl", "Pr", "Ru", "Sc", "Sp", "Ch", "Cz"]
    assert cut_distinct(["cat", "car"], 3) == ["cat", "car"]
    assert cut_distinct(["malignant", "benign"], 20) == ["malignant", "benign"]


def test_retraining_reports_its_progress(trained: Callable[..., Path]):
    context = context_of_run(RunFolder(trained("07", "--epochs", "5")), "cpu")
    reports: list[tuple[int, int]] = []
    observed = replace(context, report=lambda *steps: reports.append(steps))
    assert run_probe(observed, load_probe("changes")).found is not None
    assert reports == [(step, 5) for step in range(1, 6)]


def test_a_cancelled_probe_starts_again_at_the_next_poll():
    begun, go_on = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def look(view: View, ask: str, report: Report) -> Snapshot:
        report(40, 100)
        begun.set()
        assert go_on.wait(60)
        report(41, 100)
        return Snapshot("found", "", 0, 0, 0.0)

    def start(work: Callable[[], None]) -> None:
        threads.append(threading.Thread(target=work))
        threads[-1].start()

    still = StaticView(load_view("changes"), look, start)
    still.poll()
    assert begun.wait(60)
    assert still.progress == "40 %"
    still.cancel_probe()
    go_on.set()
    threads[0].join(60)
    assert still.snapshot is None
    assert not still.problem
    assert not still.is_busy
    still.poll()
    threads[1].join(60)
    assert still.poll()
    assert still.snapshot is not None
    assert still.progress == "41 %"
