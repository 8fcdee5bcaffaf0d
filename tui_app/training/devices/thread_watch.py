"""Watches the speed of a run's steps, and says when another number of threads is better."""

from __future__ import annotations

import statistics
from collections import deque

from tui_app.text.quantities import counted
from tui_app.training.devices.machine_load import LoadMeter, is_quiet, usable_cores
from tui_app.training.devices.threads import ThreadChange, ThreadChoice

#: Steps are slow when they take so many times what they took with one thread on a quiet machine,
#: or, where that wasn't measured, what they usually take.
_SLOWER_THAN_ONE = 1.1
_SLOWER_THAN_USUAL = 1.5

#: Seconds of steps that are judged together, at least: a shorter time is mostly chance.
_LEAST_SECONDS = 0.1

#: The usual time of a step is the median of so many such blocks at most, and at least.
_MOST_BLOCKS, _LEAST_BLOCKS = 50, 5

#: Cores that other processes keep busy while steps are slow because of them. Steps are slow for
#: other reasons, too: the app draws, or the processor is hot. One thread would be no faster then.
_BUSY_CORES = 0.3

#: Seconds between two measurements of the load while the run trains with one thread.
_LOAD_SECONDS = 1.0

#: Quiet seconds before a run goes back to more threads: at first, and at most. They double each
#: time: a neighbour that comes and goes every few seconds would slow down the run again and again.
_QUIET_SECONDS, _MOST_QUIET_SECONDS = 2.0, 120.0


class ThreadWatch:
    """Judges a run by how long its steps take, in blocks of about a tenth of a second, and by the
    load of the machine.

    With several threads the slowest holds up all others in each layer: beside one busy program they
    are several times as slow as one thread alone. Then the run continues with one. It goes back at
    the end of an epoch, when other processes leave enough cores.
    """

    def __init__(self, choice: ThreadChoice, count: int, load: LoadMeter) -> None:
        self._most = choice.most
        self._count = count
        self._one = choice.seconds.get(1)
        self._load = load
        self._usual: deque[float] = deque(maxlen=_MOST_BLOCKS)
        self._steps, self._seconds = 0, 0.0  # not judged yet
        self._is_first = True
        self._is_slow = False
        self._quiet_seconds = 0.0
        self._needed_seconds = _QUIET_SECONDS

    def changed(self, count: int) -> None:
        """The run trains with `count` threads from now on."""
        self._count = count
        self._steps, self._seconds = 0, 0.0
        self._is_first, self._is_slow, self._quiet_seconds = True, False, 0.0
        self._load.restart()

    def time_steps(self, steps: int, seconds: float) -> None:
        """Add steps that took `seconds` in all to those that are judged next."""
        self._steps += steps
        self._seconds += seconds

    def judge(self) -> ThreadChange | None:
        """The change that the steps since the last judgement demand, if any; they are judged once
        they have taken long enough.
        """
        if not self._steps or self._seconds < _LEAST_SECONDS:
            return None
        seconds = self._seconds / self._steps
        self._steps, self._seconds = 0, 0.0
        if self._is_first:  # after a change, memory and kernels are chosen again
            self._is_first = False
        elif self._count == 1:
            self._watch_load()
        elif seconds <= self._limit:
            self._usual.append(seconds)
            self._is_slow = False
        else:
            return self._slow_block(seconds)
        return None

    def epoch_ended(self) -> ThreadChange | None:
        """The change that is due at the end of an epoch, if any."""
        if change := self.judge():
            return change
        if self._count >= self._most or self._quiet_seconds < self._needed_seconds:
            return None
        self._needed_seconds = min(2 * self._needed_seconds, _MOST_QUIET_SECONDS)
        return ThreadChange(self._most, "the machine is quiet again")

    @property
    def _limit(self) -> float:
        """The seconds above which a step is slow."""
        if self._one is not None:
            return _SLOWER_THAN_ONE * self._one
        if len(self._usual) < _LEAST_BLOCKS:
            return float("inf")
        return _SLOWER_THAN_USUAL * statistics.median(self._usual)

    def _slow_block(self, seconds: float) -> ThreadChange | None:
        """One thread, if other processes were busy since the slow block before this one."""
        others = self._load.others() if self._is_slow else 0.0
        self._is_slow = True
        self._load.restart()
        if others is not None and others < _BUSY_CORES:
            return None
        if self._one is not None:
            expected = f"{1000 * self._one:.2g} ms with one on the quiet machine"
        else:
            expected = f"{1000 * statistics.median(self._usual):.2g} ms as before"
        return ThreadChange(
            1,
            f"another process is busy, so that a step takes {1000 * seconds:.2g} ms with "
            f"{counted(self._count, 'thread')}, instead of {expected}",
        )

    def _watch_load(self) -> None:
        """Learn how long the machine has been quiet."""
        if self._load.seconds >= _LOAD_SECONDS:
            quiet = is_quiet(self._load.others(), self._most, usable_cores())
            self._quiet_seconds = self._quiet_seconds + self._load.seconds if quiet else 0.0
            self._load.restart()
