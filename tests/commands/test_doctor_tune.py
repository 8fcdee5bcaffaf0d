"""`tutorch doctor --tune` measures the course's nets, prints what it found and remembers it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.program import tutorch
from tui_app.training import thread_choice, thread_tuning
from tui_app.training.devices import machine_load, thread_cache
from tui_app.training.devices.machine_load import LoadMeter
from tui_app.training.devices.thread_timing import ThreadTimes

NETS = ["lecture_05_linear_regression", "lecture_09_softmax_classifier"]


@pytest.fixture(autouse=True)
def _two_quiet_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(machine_load, "usable_cores", lambda: 2)
    monkeypatch.setattr(thread_choice, "usable_cores", lambda: 2)
    monkeypatch.setattr(thread_tuning, "lecture_names", lambda: NETS)
    monkeypatch.setattr(LoadMeter, "others", lambda meter: 0.0)


def find(monkeypatch: pytest.MonkeyPatch, seconds: dict[int, float]) -> None:
    def timed(step: Callable[[], object], *_: object) -> ThreadTimes:
        step()
        return ThreadTimes(seconds)

    monkeypatch.setattr(thread_choice, "time_threads", timed)


def test_the_fastest_number_is_printed_and_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    find(monkeypatch, {1: 2e-3, 2: 1e-3})
    ended = tutorch("doctor", "--tune")
    assert ended.exit_code == 0
    tiny, softmax = ended.out.splitlines()[-2:]
    assert "steps are too short to share" in tiny
    assert "1 thread: 2.00 ms, 2 threads: 1.00 ms" in softmax
    assert len(list((thread_cache.cache_dir() / "threads").iterdir())) == 1


def test_a_later_measurement_replaces_the_earlier_one(monkeypatch: pytest.MonkeyPatch) -> None:
    find(monkeypatch, {1: 2e-3, 2: 1e-3})
    tutorch("doctor", "--tune")
    find(monkeypatch, {1: 2e-3, 2: 3e-3})
    nets = tutorch("doctor", "--tune", "--json").json
    assert [(net["lecture"], net["threads"]) for net in nets] == [(name, 1) for name in NETS]
    assert nets[1]["step_seconds"] == {"1": 2e-3, "2": 3e-3}
    (path,) = (thread_cache.cache_dir() / "threads").iterdir()
    assert '"2": 0.003' in path.read_text()


def test_on_a_busy_machine_nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    find(monkeypatch, {1: 2e-3, 2: 1e-3})
    monkeypatch.setattr(LoadMeter, "others", lambda meter: 1.0)
    ended = tutorch("doctor", "--tune")
    assert "other processes keep the cores busy" in ended.out
    assert not (thread_cache.cache_dir() / "threads").exists()
