"""How many threads a run starts with: measured once for a shape of net, on a quiet machine."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models import find_lecture
from models.loading.load import load_lecture
from tests.program import begin
from tests.tolerances import FLOAT64
from tui_app.runs.settings.run_options import RunOptions
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training import thread_choice
from tui_app.training.devices import machine_load, thread_cache
from tui_app.training.devices.machine_load import CpuReading, LoadMeter, is_quiet
from tui_app.training.devices.thread_timing import ThreadTimes, thread_counts, time_threads
from tui_app.training.devices.threads import threads_to_prepare
from tui_app.training.prepare import prepare
from tui_app.training.thread_choice import shape_of


class Machine:
    """A clock that steps advance: by how long one takes with the number of threads in use."""

    def __init__(self, seconds: dict[int, float]) -> None:
        self.now, self.count, self.tried = 0.0, 1, set[int]()
        self._seconds = seconds

    def use(self, count: int) -> None:
        self.count = count
        self.tried.add(count)

    def step(self) -> None:
        self.now += self._seconds[self.count]

    def time(self, counts: list[int]) -> ThreadTimes:
        return time_threads(self.step, counts, self.use, lambda: None, lambda: self.now)


def test_the_numbers_to_try_are_powers_of_two_and_all_cores() -> None:
    assert [thread_counts(cores) for cores in (1, 2, 6, 8)] == [
        [1],
        [1, 2],
        [1, 2, 4, 6],
        [1, 2, 4, 8],
    ]


@pytest.mark.parametrize(
    ("seconds", "best"),
    [
        ({1: 2e-3, 2: 1.2e-3}, 2),
        ({1: 2e-3, 2: 1.9e-3}, 1),  # hardly faster
        ({1: 2e-3, 2: 1.1e-3, 4: 0.7e-3, 8: 0.69e-3}, 4),  # eight bring nothing more
        ({1: 2e-3, 2: 3.6e-3}, 1),
        ({1: 1.0, 2: 0.5}, 2),  # steps longer than the measurement
    ],
)
def test_more_threads_are_chosen_where_they_are_clearly_faster(
    seconds: dict[int, float], best: int
) -> None:
    times = Machine(seconds).time(list(seconds))
    assert times.best == best
    assert times.is_steady
    assert times.seconds[1] == pytest.approx(seconds[1], rel=FLOAT64)


def test_numbers_above_a_hopeless_one_are_not_tried() -> None:
    machine = Machine({1: 1e-3, 2: 9e-3, 4: 9e-3})
    assert machine.time([1, 2, 4]).best == 1
    assert machine.tried == {1, 2}


def test_a_measurement_takes_half_a_second() -> None:
    machine = Machine({1: 2e-3, 2: 1e-3})
    machine.time([1, 2])
    assert 0.5 <= machine.now <= 0.6


def test_times_that_differ_from_turn_to_turn_are_not_steady() -> None:
    machine = Machine({1: 2e-3, 2: 1e-3})
    often = iter(range(10**6))
    step = machine.step

    def disturbed() -> None:
        for _ in range(3 if next(often) % 100 > 20 else 1):
            step()

    machine.step = disturbed
    assert not machine.time([1, 2]).is_steady


def test_the_load_is_what_other_programs_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_load, "usable_cores", lambda: 4)
    readings = iter([CpuReading(10.0, 100.0, 5.0), CpuReading(12.0, 103.0, 7.0)])
    # In two seconds of four cores: three idle, two computed here, and three elsewhere.
    assert LoadMeter(lambda: next(readings)).others() == pytest.approx(1.5, rel=FLOAT64)
    assert LoadMeter(lambda: None).others() is None
    assert is_quiet(1.5, 2, 4)
    assert not is_quiet(1.5, 4, 4)
    assert is_quiet(None, 4, 4)


def test_this_machines_load_can_be_read() -> None:
    reading = machine_load.read_cpu()
    assert reading is not None
    assert reading.own > 0
    assert reading.idle > 0


# Choosing for a run. The net is lecture 9's, on digits, with as many epochs as make it worthwhile.


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[int, float], float], list[int]]:
    """Makes measurements find these times, beside so many busy cores; the list counts them."""
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(machine_load, "usable_cores", lambda: 2)
    monkeypatch.setattr(thread_choice, "usable_cores", lambda: 2)
    monkeypatch.setattr(thread_choice, "_LOAD_SECONDS", 0.0)

    def find(seconds: dict[int, float], others: float = 0.0) -> list[int]:
        calls: list[int] = []

        def timed(step: Callable[[], object], counts: list[int], *others: Any) -> ThreadTimes:
            for _ in range(3):
                step()
            calls.append(len(counts))
            return ThreadTimes(seconds)

        monkeypatch.setattr(thread_choice, "time_threads", timed)
        monkeypatch.setattr(LoadMeter, "others", lambda meter: others)
        return calls

    return find


def chosen(**given: Any) -> tuple[int, str, int]:
    lecture = load_lecture(find_lecture("softmax"))
    training = prepare(resolve_settings(lecture, {"device": "cpu", "epochs": 40, **given}))
    choice = training.thread_choice
    return choice.count, choice.reason, choice.most


def test_a_shape_of_net_is_measured_once(measured: Any) -> None:
    calls = measured({1: 2e-3, 2: 1e-3})
    assert chosen() == (2, "measured: 2.0 times as fast as one", 2)
    assert chosen() == (2, "measured: 2.0 times as fast as one", 2)
    assert calls == [2]
    chosen(batch_size=128)
    assert len(calls) == 2


def test_a_busy_machine_uses_one_thread_and_remembers_nothing(measured: Any) -> None:
    calls = measured({1: 2e-3, 2: 1e-3}, 1.0)
    assert chosen() == (1, "other processes keep the cores busy", 1)
    assert calls == []
    measured({1: 2e-3, 2: 1e-3})
    assert chosen()[0] == 2
    measured({1: 2e-3, 2: 1e-3}, 1.0)
    assert chosen() == (1, "other processes keep the cores busy", 2)  # it may become quiet


def test_one_thread_that_is_fastest_beside_a_busy_program_is_not_remembered(
    measured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured({1: 2e-3, 2: 3e-3})
    loads = iter([0.0, 1.0])  # the program starts during the measurement
    monkeypatch.setattr(LoadMeter, "others", lambda meter: next(loads))
    assert chosen() == (1, "other processes keep the cores busy", 1)
    measured({1: 2e-3, 2: 1e-3})
    assert chosen()[0] == 2


def test_what_needs_no_measurement_gets_one_thread(measured: Any, monkeypatch) -> None:
    calls = measured({1: 2e-3, 2: 1e-3})
    assert chosen(batch_size=1)[1] == "steps are too short to share"
    assert "too short to measure" in chosen(epochs=2)[1]
    assert chosen(threads=3) == (3, "as requested", 1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1,4")
    assert chosen()[:2] == (1, "OMP_NUM_THREADS allows no more")
    assert calls == []


def test_a_net_that_more_threads_do_not_help_is_remembered_too(measured: Any) -> None:
    calls = measured({1: 2e-3, 2: 3e-3})
    assert chosen()[:2] == chosen()[:2] == (1, "measured: more are no faster")
    assert len(calls) == 1


def test_a_measurement_changes_nothing_in_the_run(measured: Any, tmp_path: Path) -> None:
    given = {"widths": (512, 512), "epochs": 1, "batch_size": 256, "shuffle": True}
    fixed = begin("softmax", tmp_path, threads=1, stop_after=4, **given)
    calls = measured({1: 1e-3, 2: 2e-3})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(thread_choice, "_LEAST_OF_RUN", 0)
        run = begin("softmax", tmp_path, stop_after=4, **given)
    assert calls == [2]
    assert run.losses == fixed.losses


def test_a_step_that_fails_is_left_to_the_run(measured: Any, monkeypatch) -> None:
    measured({})

    def fail(*_: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(thread_choice, "time_threads", fail)
    assert chosen()[:2] == (1, "its steps couldn't be measured")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[" * 9000,
        '{"version": 1, "seconds": {"1": 1.0, "4096": 0.5}}',
        '{"version": 1, "seconds": {"2": 1.0}}',
        '{"version": 1, "seconds": {"1": "x"}}',
        '{"version": 1, "seconds": {"1": Infinity}}',
        '{"version": 99, "seconds": {"1": 1.0}}',
    ],
)
def test_a_damaged_file_in_the_cache_is_measured_again(measured: Any, text: str) -> None:
    measured({1: 2e-3, 2: 1e-3})
    chosen()
    (path,) = (thread_cache.cache_dir() / "threads").iterdir()
    path.write_text(text)
    calls = measured({1: 2e-3, 2: 1e-3})
    assert chosen()[0] == chosen()[0] == 2
    assert len(calls) == 1


def test_the_first_of_two_programs_that_measure_decides(measured: Any) -> None:
    measured({1: 2e-3, 2: 1e-3})
    lecture = load_lecture(find_lecture("softmax"))
    shape = shape_of(prepare(resolve_settings(lecture, {"device": "cpu", "threads": 1})))
    thread_cache.remember(shape, ThreadTimes({1: 1.0, 2: 2.0}))
    thread_cache.remember(shape, ThreadTimes({1: 2.0, 2: 1.0}))
    kept = thread_cache.remembered(shape)
    assert kept is not None
    assert kept.seconds == {1: 1.0, 2: 2.0}
    assert math.isclose(kept.speedup(2), 0.5, rel_tol=FLOAT64)


def test_a_cache_that_cannot_be_written_only_forgets(measured: Any, tmp_path, monkeypatch) -> None:
    measured({1: 2e-3, 2: 1e-3})
    (tmp_path / "file").touch()
    monkeypatch.setenv("TUTORCH_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert chosen()[0] == 2


@pytest.mark.parametrize(
    ("given", "first", "expected"),
    [
        ("auto", None, 1),
        (3, None, 3),
        (3, (2, "measured: 2 are faster"), 1),
        (3, (2, "as requested"), 2),
        (3, (2, "as asked"), 2),  # as an earlier version wrote it
        (3, (0, ""), 3),  # one that recorded no reason
    ],
)
def test_a_resumed_run_prepares_with_the_threads_it_began_with(
    given: Any, first: tuple[int, str] | None, expected: int
) -> None:
    assert threads_to_prepare(RunOptions(threads=given), first) == expected
