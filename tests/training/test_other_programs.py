"""Other programs on a GPU are counted, this one never: in a container too, and in a later run."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pynvml
import pytest

from tui_app.monitoring import system_stats
from tui_app.training.devices import nvidia, other_programs
from tui_app.training.devices.other_programs import count_others

#: This program's number on the host of a container.
OUTSIDE = 4_000_001


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The process ids that the driver lists."""
    pids: set[int] = set()

    def listed(handle: object) -> list[SimpleNamespace]:
        return [SimpleNamespace(pid=pid, usedGpuMemory=1 << 30) for pid in pids]

    monkeypatch.setattr(other_programs, "_own_pids", {})
    monkeypatch.setattr(nvidia, "gpu_handle", lambda index: index)
    monkeypatch.setattr("pynvml.nvmlDeviceGetComputeRunningProcesses", listed)
    return pids


@pytest.mark.parametrize("own", [os.getpid(), OUTSIDE], ids=["inside", "outside"])
def test_a_later_run_does_not_count_the_context_of_the_first(running: set[int], own: int):
    running |= {7, 8}
    assert count_others(0, lambda: running.add(own), was_used=False) == 2
    running -= {8}
    assert count_others(0, lambda: None, was_used=True) == 1


def test_a_number_that_is_another_programs_on_the_host_is_that_programs(running: set[int]):
    running |= {os.getpid()}
    assert count_others(0, lambda: running.add(OUTSIDE), was_used=False) == 1
    assert count_others(0, lambda: None, was_used=True) == 1
    running -= {os.getpid()}
    assert count_others(0, lambda: None, was_used=True) == 0


def test_what_cannot_be_told_is_not_counted(running: set[int]):
    """Two programs came at once, or the lecture's file had used the card before."""
    running |= {7}
    assert count_others(0, lambda: running.update({OUTSIDE, 9}), was_used=False) == 1
    assert count_others(0, lambda: None, was_used=True) == 0
    assert count_others(1, lambda: None, was_used=True) == 0


def test_a_driver_that_lists_nothing_counts_nothing(
    running: set[int], monkeypatch: pytest.MonkeyPatch
):
    assert count_others(0, lambda: None, was_used=False) == 0

    def refuse(index: int) -> object:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NO_PERMISSION)

    monkeypatch.setattr(nvidia, "gpu_handle", refuse)
    assert count_others(0, lambda: None, was_used=True) == 0


def test_the_machine_line_has_the_memory_of_others_alone(running: set[int]):
    running |= {7, 8}
    assert "others" not in system_stats.read_system_stats("cuda:0")  # one of them may train the run
    count_others(0, lambda: running.add(OUTSIDE), was_used=False)
    assert "others 2.0 GiB" in system_stats.read_system_stats("cuda:0")
