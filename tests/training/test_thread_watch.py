"""When a run drops to one thread beside a busy program, and when it goes back."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tui_app.training.devices import thread_watch
from tui_app.training.devices.machine_load import LoadMeter
from tui_app.training.devices.thread_watch import ThreadWatch
from tui_app.training.devices.threads import ThreadChange, ThreadChoice

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
    """Passes the seconds of steps to a watch, a thousand steps at a time, and makes its changes."""

    def __init__(self, choice: ThreadChoice = MEASURED, load: Load | None = None) -> None:
        self.load = load or Load()
        self.count = choice.count
        self.reason = ""
        self.watch = ThreadWatch(choice, choice.count, self.load)

    def blocks(self, seconds: Iterable[float]) -> int:
        for each in seconds:
            self.steps(1000, each)
        return self.count

    def steps(self, steps: int, seconds: float) -> None:
        self.watch.time_steps(steps, steps * seconds)
        self._make(self.watch.judge())

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
        "another process is busy, so that a step takes 5 ms with 2 threads, instead of 2 ms with "
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


def test_slow_steps_count_once_they_have_taken_a_tenth_of_a_second() -> None:
    run = Run(load=Load(1.0))
    run.blocks([1e-3, 1e-3])
    for steps in (3, 3, 13):  # 95 ms of slow steps, in short blocks, among others
        run.steps(steps, 5e-3)
    run.steps(200, 1e-3)
    run.steps(24, 5e-3)
    assert run.count == 2
    needed = 0
    while run.count == 2:
        run.steps(3, 5e-3)
        needed += 1
    assert needed == 7  # 105 ms


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
