"""A run's changes of its threads are recorded, shown, and repeated when it is resumed."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import torch

from tests.program import begin, metrics_lines, take_up, tutorch
from tui_app.inspection.probe_context import context_of_run
from tui_app.inspection.replay import replay
from tui_app.monitoring.recorded_run import RecordedRun
from tui_app.runs.events import ControlApplied, RunStarted, ThreadsChanged
from tui_app.runs.metrics.metrics_codec import Record, decode
from tui_app.runs.metrics.metrics_file import MetricsFile
from tui_app.runs.metrics.metrics_rewind import rewind_metrics
from tui_app.runs.run_folder import read_json
from tui_app.training import loss_buffer, session
from tui_app.training.devices import thread_watch
from tui_app.training.devices.machine_load import LoadMeter
from tui_app.training.devices.threads import ThreadChange, ThreadChoice
from tui_app.training.loop import train as train_run
from tui_app.training.state import Training
from tui_app.training.steering.control import Control

#: Changes that are given, by the steps before them.
CHANGES = {7: ThreadChange(2, "the machine is quiet again"), 30: ThreadChange(1, "a neighbour")}
GIVEN = {"widths": (16,), "epochs": 2, "threads": 1}


@pytest.fixture
def changing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs change their threads at the steps of CHANGES."""

    def train_changing(training: Training, control: Control) -> Iterator[Record]:
        training.thread_changes = {at: c for at, c in CHANGES.items() if at > training.step}
        return train_run(training, control)

    monkeypatch.setattr(session, "train", train_changing)
    yield
    torch.set_num_threads(1)


def changes_of(events: Iterable[object]) -> list[tuple[int, int]]:
    return [(e.first_step, e.threads) for e in events if isinstance(e, ThreadsChanged)]


def test_a_change_is_recorded_and_shown(tmp_path: Path, changing: None) -> None:
    run = begin("softmax", tmp_path, **GIVEN)
    assert changes_of(run.events) == [(8, 2), (31, 1)]
    folder = run.session.folder
    assert [(e["first_step"], e["threads"]) for e in metrics_lines(folder.metrics, "threads")] == [
        (8, 2),
        (31, 1),
    ]
    assert "2 threads from step 8 on: the machine is quiet again" in folder.log.read_text()
    assert read_json(folder.status)["threads"] == 1
    assert "1 thread since step 31, 1 thread at first" in tutorch("show", folder.path).out
    recorded = RecordedRun(folder)
    recorded.poll()
    assert dict(recorded.settings())["threads"] == "1"


def test_a_resumed_run_goes_on_with_the_threads_in_force(tmp_path: Path, changing: None) -> None:
    stopped = begin("softmax", tmp_path, stop_after=20, **GIVEN)
    folder = stopped.session.folder
    assert folder.read_record().threads == 1
    resumed = take_up(stopped.session)
    (start,) = (event for event in resumed.events if isinstance(event, RunStarted))
    assert (start.threads, start.threads_reason) == (2, "as when it was saved")
    assert changes_of(resumed.events) == [(31, 1)]
    assert folder.read_record().threads == 1


def test_a_run_that_goes_back_to_a_checkpoint_repeats_its_changes(
    tmp_path: Path, changing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin("softmax", tmp_path, stop_after=20, **GIVEN)
    folder = run.session.folder
    shutil.copy(folder.last, tmp_path / "last.pt")
    assert changes_of(take_up(run.session).events) == [(31, 1)]
    monkeypatch.setattr(session, "train", train_run)
    shutil.copy(tmp_path / "last.pt", folder.last)
    assert changes_of(take_up(run.session).events) == [(31, 1)]
    lines = metrics_lines(folder.metrics, "threads")
    assert [line["reason"] for line in lines] == [each.reason for each in CHANGES.values()]


def test_a_replay_uses_the_threads_of_each_step(tmp_path: Path, changing: None) -> None:
    run = begin("softmax", tmp_path, **GIVEN)
    torch.set_num_threads(1)
    counts: list[int] = []
    context = context_of_run(run.session.folder)
    replay(context, 40, lambda model, step, loss: counts.append(torch.get_num_threads()))
    assert counts[1:] == [1] * 7 + [2] * 23 + [1] * 10
    assert torch.get_num_threads() == 1


def test_an_exported_script_uses_the_threads_of_each_step(tmp_path: Path, changing: None) -> None:
    run = begin("softmax", tmp_path, **GIVEN)
    script = tutorch("export", run.session.folder.path, "--out", tmp_path / "a.py")
    assert script.exit_code == 0, script.err
    code = (tmp_path / "a.py").read_text()
    assert "THREADS = {1: 1, 8: 2, 31: 1}" in code
    assert "torch.set_num_threads(THREADS[step + 1])" in code


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs begin with one thread, and the machine is quiet, so that two are better.

    Every timed step is judged, so that the second and third after the start lead to two threads.
    """

    def train_watched(training: Training, control: Control) -> Iterator[Record]:
        training.thread_choice = ThreadChoice(1, "busy", most=2, seconds={1: 1e9})
        return train_run(training, control)

    monkeypatch.setattr(session, "train", train_watched)
    monkeypatch.setattr(LoadMeter, "seconds", 1.0)
    monkeypatch.setattr(LoadMeter, "others", lambda meter: 0.0)
    monkeypatch.setattr(thread_watch, "usable_cores", lambda: 2)
    monkeypatch.setattr(thread_watch, "_LEAST_SECONDS", 0.0)
    monkeypatch.setattr(loss_buffer, "_SECONDS", 1000.0)  # blocks end with their epochs
    yield
    torch.set_num_threads(1)


@pytest.mark.parametrize("steps", [1, 3])
def test_epochs_shorter_than_a_block_are_watched(tmp_path: Path, watched: None, steps: int) -> None:
    given = GIVEN | {"epochs": 5, "batch_size": 1500 // steps}
    run = begin("softmax", tmp_path, **given)
    assert changes_of(run.events) == [(3 * steps + 1, 2)]


def test_a_change_at_the_step_of_the_checkpoint_is_repeated(tmp_path: Path, watched: None) -> None:
    """The checkpoint has the new number already, and the record of the change is cut off."""
    given = GIVEN | {"epochs": 5, "batch_size": 1500}
    run = begin("softmax", tmp_path, stop_after=3, **given)
    assert changes_of(run.events) == [(4, 2)]
    assert changes_of(take_up(run.session).events) == [(4, 2)]
    lines = metrics_lines(run.session.folder.metrics, "threads")
    assert [(line["first_step"], line["threads"]) for line in lines] == [(4, 2)]
    assert context_of_run(run.session.folder).threads() == {1: 1, 4: 2}


def test_a_reader_that_knows_no_such_line_skips_it() -> None:
    assert decode(b'{"kind": "threads of the future", "first_step": 3}') is None


def test_a_steered_lr_and_a_change_at_the_same_step_are_both_repeated(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    metrics = MetricsFile(path)
    metrics(ControlApplied(run="r", first_step=5, lr=0.5))
    metrics(ThreadsChanged(run="r", first_step=5, threads=2, reason="one\x1b[2J"))
    metrics(ThreadsChanged(run="r", first_step=9, threads=10**6, reason="too many"))
    metrics.close()
    changes = rewind_metrics(path, 0, 3)
    assert changes.lr == {4: 0.5}
    assert [(at, count) for at, (count, _) in changes.threads.items()] == [(4, 2)]
    assert "\x1b" not in changes.threads[4][1]
