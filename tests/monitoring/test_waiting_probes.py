"""Probes and runs that wait for each other: each gets the random numbers, or an error."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from datasets import DataUnavailable
from datasets.reading.progress import LoadingStopped
from tests.program import LONGEST, begin
from tui_app.monitoring.local_run import LocalRun
from tui_app.monitoring.random_numbers import (
    PROBE_THREAD,
    RANDOM_NUMBER_LOCK,
    start_probe_thread,
    stop_probes,
)
from tui_app.training import watchdog
from tui_app.training.resume import resume_run
from tui_app.training.session import Session
from tui_app.training.steering.control import Control
from tui_app.training.watchdog import StepInterrupted


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(watchdog, "PATIENCE", 0.1)


def probe_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == PROBE_THREAD]


def run_that(raises: Exception) -> LocalRun:
    """A run that can't be prepared."""

    def make(control: Control, on_progress: object) -> Session:
        raise raises

    return LocalRun("a run", make)


def test_a_waiting_probe_runs_although_runs_begin_before_it():
    has_run = threading.Event()
    with RANDOM_NUMBER_LOCK:
        start_probe_thread(has_run.set)
        (look,) = probe_threads()
        stop_probes()
        look.join(5 * watchdog.PATIENCE)  # as long as it takes to interrupt what is stuck
        assert look.is_alive()
    assert has_run.wait(LONGEST)


def test_a_probe_that_starts_late_delays_no_run():
    def never_end() -> None:
        while True:
            time.sleep(0.01)

    for _ in range(3):
        start_probe_thread(never_end)
    run = run_that(LoadingStopped("cancelled"))
    run.start()
    assert run.join(LONGEST)
    while left := probe_threads():  # nothing of this test is left
        stop_probes()
        left[0].join(watchdog.PATIENCE)


def test_a_run_that_cannot_be_prepared_cancels_requests_and_reports_why():
    run = run_that(DataUnavailable("no data"))
    answer = run.control.request(lambda training: None)
    run.start()
    assert run.join(LONGEST)
    assert answer.cancelled()


def test_a_run_abandoned_while_it_was_prepared_is_not_resumed(tmp_path: Path):
    folder = begin("05", tmp_path, epochs=1).session.folder
    before = folder.run_json.read_bytes(), folder.metrics.read_bytes()
    control = Control()
    control.is_abandoned = True
    with pytest.raises(StepInterrupted):
        resume_run(folder, control, lambda progress: None, epochs=2)
    assert (folder.run_json.read_bytes(), folder.metrics.read_bytes()) == before
    folder.lock().release()
