"""Measures how many of the usable cores other processes keep busy."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from datasets.reading.cell_numbers import whole_number


@dataclass(frozen=True)
class CpuReading:
    """Seconds since some start: of a clock, that the usable cores were idle, that this process
    computed on any of them.
    """

    clock: float
    idle: float
    own: float


def usable_cores() -> int:
    """How many cores this program may use."""
    return len(_usable())


def usable_threads() -> int:
    """How many threads a run may use: one for each usable core, or fewer if OMP_NUM_THREADS says
    so, as batch systems set it.
    """
    allowed = whole_number(os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip())
    return min(usable_cores(), max(1, allowed)) if allowed is not None else usable_cores()


def read_cpu() -> CpuReading | None:
    """The times until now; None where the system doesn't say."""
    try:
        times = psutil.cpu_times(percpu=True)
    except (OSError, RuntimeError, NotImplementedError, ValueError):
        return None
    usable = _usable()
    cores = [core for number, core in enumerate(times) if number in usable]
    if len(cores) != len(usable):
        return None
    # Waiting for a disk leaves a core idle. What a hypervisor takes away counts as busy.
    idle = sum(core.idle + getattr(core, "iowait", 0.0) for core in cores)
    return CpuReading(time.perf_counter(), idle, time.process_time())


class LoadMeter:
    """Says how busy other processes were since it was last restarted; those of the run that only
    load data are among them.
    """

    def __init__(self, read: Callable[[], CpuReading | None] = read_cpu) -> None:
        self._read = read
        self.restart()

    def restart(self) -> None:
        """Begin a new interval now."""
        self._start = self._read()

    @property
    def seconds(self) -> float:
        """The length of the interval so far; 0 where the system doesn't say."""
        return time.perf_counter() - self._start.clock if self._start is not None else 0.0

    def others(self) -> float | None:
        """The mean number of usable cores that other processes kept busy in the interval, which
        should be a few tenths of a second: the system counts in hundredths. None if unknown.
        """
        start, now = self._start, self._read()
        if start is None or now is None or now.clock <= start.clock:
            return None
        seconds = now.clock - start.clock
        busy = seconds * usable_cores() - (now.idle - start.idle)
        return max(0.0, (busy - (now.own - start.own)) / seconds)


def is_quiet(others: float | None, threads: int, cores: int) -> bool:
    """Whether the cores that other processes leave are enough for so many threads.

    Threads wait for each other in every layer, so the slowest of them counts. An unknown load
    counts as quiet: steps that are slow on their account show it soon.
    """
    return others is None or others <= cores - threads + _SLACK + cores * _SLACK_PER_CORE


#: The cores that may be busy all the same: a system has its own work to do.
_SLACK = 0.3
_SLACK_PER_CORE = 0.02


def _usable() -> frozenset[int]:
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))
