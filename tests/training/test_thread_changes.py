"""A run drops to one thread when a neighbour comes, goes back, and repeats it when resumed."""

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
from tui_app.training import session
from tui_app.training.devices import thread_watch
from tui_app.training.devices.machine_load import LoadMeter
from tui_app.training.devices.thread_watch import ThreadWatch
from tui_app.training.devices.threads import ThreadChange, ThreadChoice
from tui_app.training.loop import train as train_run
from tui_app.training.state import Training
from tui_app.training.steering.control import Control

#: One thread takes 2 ms for a step, two take 1.
MEASURED = ThreadChoice(2, "measured", most=2, seconds={1: 2e-3, 2: 1e-3})


class Load(LoadMeter):
    """Other programs keep `busy` cores busy; each question is asked after a second."""

    def __init__(self, busy: float | None = 0.0) -> None:
        self.busy = busy

    def restart(self) -> None:
        pass

    @property
    def seconds(self) -> float:
        return 1.0

    def others(self) -> float | None:
        return self.busy


class Run:
    """Passes the seconds of steps to a watch, and makes its changes."""

    def __init__(self, choice: ThreadChoice = MEASURED, load: Load | None = None) -> None:
        self.load = load or Load()
        self.count = choice.count
        self.reason = ""
        self.watch = ThreadWatch(choice, choice.count, self.load)

    def blocks(self, seconds: Iterable[float]) -> int:
        for each in seconds:
            self._make(self.watch.block_closed(each))
        return self.count

    def epoch(self) -> int:
        self._make(self.watch.epoch_ended())
        return self.count

    def _make(self, change: ThreadChange | None) -> None:
        if change is not None:
            self.count, self.reason = change.count, change.reason
            self.watch.changed(change.count)


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_watch, "usable_cores", lambda: 2)


def test_two_slow_blocks_beside_a_busy_program_lead_to_one_thread() -> None:
    run = Run(load=Load(1.0))
    assert run.blocks([30e-3, 1e-3, 1.2e-3, 5e-3, 1e-3, 2e-3, 5e-3]) == 2
    assert run.blocks([5e-3]) == 1
    assert run.reason == (
        "another program is busy, so that a step takes 5 ms with 2 threads, instead of 2 ms with "
        "one on the quiet machine"
    )


def test_steps_that_the_app_slows_down_keep_their_threads() -> None:
    run = Run(load=Load(0.1))
    assert run.blocks([1e-3, 5e-3, 5e-3, 5e-3, 5e-3]) == 2
    run.load.busy = 0.7
    assert run.blocks([5e-3]) == 1


def test_without_a_load_the_speed_alone_decides() -> None:
    assert Run(load=Load(None)).blocks([1e-3, 5e-3, 5e-3]) == 1


def test_steps_that_are_slower_but_not_slower_than_with_one_thread_change_nothing() -> None:
    assert Run(load=Load(1.0)).blocks([1e-3, 1e-3, 1.9e-3, 1.9e-3, 1.9e-3, 1.9e-3]) == 2


def test_where_nothing_was_measured_the_usual_time_is_the_measure() -> None:
    run = Run(ThreadChoice(2, "as before", most=2), Load(1.0))
    assert run.blocks([9e-3, 9e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1.4e-3, 1.4e-3]) == 2
    assert run.blocks([1.6e-3, 1.7e-3]) == 1
    assert run.reason.endswith("instead of 1 ms as before")


def test_a_run_goes_back_at_the_end_of_an_epoch_when_it_has_been_quiet() -> None:
    run = Run(load=Load(1.0))
    run.blocks([1e-3, 5e-3, 5e-3])
    run.blocks([2e-3] * 50)
    assert run.epoch() == 1
    run.load.busy = 0.1
    assert run.blocks([2e-3]) == 1
    assert run.epoch() == 1  # quiet, but not for long enough
    run.blocks([2e-3])
    assert run.epoch() == 2
    assert run.reason == "the machine is quiet again"


def test_each_way_back_takes_longer_than_the_last() -> None:
    run, blocks = Run(), []
    for _ in range(9):
        run.load.busy = 1.0
        assert run.blocks([1e-3, 5e-3, 5e-3]) == 1
        run.load.busy = 0.0
        blocks.append(0)
        while run.epoch() == 1:
            run.blocks([2e-3])
            blocks[-1] += 1
    assert blocks == sorted(blocks)
    assert blocks[0] < 10
    assert blocks[-1] == 121  # the most, and the first block after a change


def test_a_run_that_began_beside_a_busy_program_gets_its_threads_later() -> None:
    run = Run(ThreadChoice(1, "busy", most=2, seconds=MEASURED.seconds), Load(1.0))
    run.blocks([2e-3] * 20)
    assert run.epoch() == 1
    run.load.busy = 0.0
    run.blocks([2e-3] * 20)
    assert run.epoch() == 2


# In a run: what is recorded, shown and repeated. The changes are given.

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
