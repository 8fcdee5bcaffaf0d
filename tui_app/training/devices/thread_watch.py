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

#: Blocks of slow steps, one after another, that lead to one thread: one alone may be the screen.
_SLOW_BLOCKS = 2

#: The usual time of a step is the median of so many blocks, and of at least so many.
_MOST_BLOCKS, _LEAST_BLOCKS = 50, 5

#: Blocks after which the speed with one thread is known.
_ONE_BLOCKS = 3

#: Seconds between two measurements of the load.
_LOAD_SECONDS = 1.0

#: Quiet seconds before a run goes back to more threads: at first, and at most. They double each
#: time, so that a neighbour that comes and goes doesn't drag the run along.
_QUIET_SECONDS, _MOST_QUIET_SECONDS = 2.0, 120.0


class ThreadWatch:
    """Gets the duration of each block of steps and of nothing else, so that tests need no clock.

    With several threads the slowest holds up all others in each layer: beside one busy program they
    are several times as slow as one thread alone. Then the run goes on with one. It goes back at
    the end of an epoch, when other programs leave enough cores.
    """

    def __init__(self, choice: ThreadChoice, count: int, load: LoadMeter) -> None:
        self._most = choice.most
        self._count = count
        self._one = choice.seconds.get(1)
        self._load = load
        self._usual: deque[float] = deque(maxlen=_MOST_BLOCKS)
        self._slow: list[float] = []
        self._with_one: list[float] = []
        self._is_first = True
        self._quiet_seconds = 0.0
        self._needed_seconds = _QUIET_SECONDS
        self._before = float("inf")  # the seconds of the steps that led to one thread
        self._was_in_vain = False

    def changed(self, count: int) -> None:
        """The run trains with `count` threads from now on."""
        self._count = count
        self._slow, self._with_one, self._quiet_seconds = [], [], 0.0
        self._is_first = True
        self._load.restart()

    def block_closed(self, seconds: float) -> ThreadChange | None:
        """Take note of a block whose steps took `seconds` each; the change that is due, if any."""
        if self._is_first:  # after a change, memory and kernels are chosen again
            self._is_first = False
        elif self._count == 1:
            self._watch_one(seconds)
        elif seconds <= self._limit:
            self._usual.append(seconds)
            self._slow = []
        else:
            self._slow.append(seconds)
            if len(self._slow) >= _SLOW_BLOCKS:
                return self._down()
        return None

    def epoch_ended(self) -> ThreadChange | None:
        """The change that is due at the end of an epoch, if any."""
        is_quiet_long = self._quiet_seconds >= self._needed_seconds
        if self._count >= self._most or not (is_quiet_long or self._was_in_vain):
            return None
        reason = "one thread is no faster" if self._was_in_vain else "the machine is quiet again"
        self._was_in_vain = False
        self._needed_seconds = min(2 * self._needed_seconds, _MOST_QUIET_SECONDS)
        return ThreadChange(self._most, reason)

    @property
    def _limit(self) -> float:
        """The seconds of a step above which one thread is better."""
        if self._one is not None:
            return _SLOWER_THAN_ONE * self._one
        if len(self._usual) < _LEAST_BLOCKS:
            return float("inf")
        return _SLOWER_THAN_USUAL * statistics.median(self._usual)

    def _down(self) -> ThreadChange:
        self._before = min(self._slow)
        expected = self._one if self._one is not None else statistics.median(self._usual)
        was = f"{1000 * expected:.2g} ms with one" if self._one else f"{1000 * expected:.2g} ms"
        threads = counted(self._count, "thread")
        return ThreadChange(
            1,
            f"a step took {1000 * self._before:.2g} ms with {threads} instead of {was}: "
            "another program seems to be busy",
        )

    def _watch_one(self, seconds: float) -> None:
        """Learn the speed with one thread, and how long the machine has been quiet."""
        self._with_one.append(seconds)
        if len(self._with_one) == _ONE_BLOCKS:
            now = statistics.median(self._with_one)
            if now >= self._before:  # everything is slower, as on a hot processor
                self._one, self._was_in_vain = now, True
        if self._load.seconds >= _LOAD_SECONDS:
            quiet = is_quiet(self._load.others(), self._most, usable_cores())
            self._quiet_seconds = self._quiet_seconds + self._load.seconds if quiet else 0.0
            self._load.restart()
