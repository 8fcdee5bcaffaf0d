"""Times a step with one thread and with more, in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

#: Seconds that all measurements take together, and those of one turn.
_SECONDS = 0.5
_TURN_SECONDS = 0.02

#: Turns of each number of threads, even where the steps are too long for the time.
_LEAST_TURNS = 2

#: Larger numbers aren't tried once one is so many times as slow as the fastest.
_TOO_SLOW = 1.5

#: On a quiet machine, most turns of a number of threads differ by less.
_STEADY = 1.2

#: More threads have to be so much faster: they keep more cores busy, and a neighbour slows them.
_WORTHWHILE = 1.15

#: Fewer threads are chosen if they are almost as fast.
_ALMOST = 1.05


@dataclass(frozen=True)
class ThreadTimes:
    """The shortest time of a step in seconds, by the number of threads; 1 is among them."""

    seconds: dict[int, float]
    is_steady: bool = True
    """Whether the turns agree: a machine with other work to do shows different times."""

    @property
    def best(self) -> int:
        """The number of threads to train with on a quiet machine."""
        fastest = min(self.seconds.values())
        count = min(n for n, each in self.seconds.items() if each <= _ALMOST * fastest)
        return count if self.speedup(count) >= _WORTHWHILE else 1

    def speedup(self, count: int) -> float:
        """How many times as fast as one thread so many are."""
        return self.seconds[1] / self.seconds[count]


def thread_counts(cores: int) -> list[int]:
    """The numbers of threads to try: 1, 2, 4, ... and all cores."""
    powers = (2**power for power in range(cores.bit_length()))
    return sorted({*(power for power in powers if power <= cores), cores})


def time_threads(
    step: Callable[[], object],
    counts: Sequence[int],
    use_threads: Callable[[int], object],
    check: Callable[[], object],
    clock: Callable[[], float] = time.perf_counter,
) -> ThreadTimes:
    """Time `step` with each of the ascending `counts` of threads, of which 1 is the first.

    `use_threads` sets the number. `check` is called between the turns, and may raise to end the
    measurement. The shortest turn counts, since nothing makes a step faster than it is.
    """
    end = clock() + _SECONDS
    turns: dict[int, list[float]] = {}
    for count in counts:
        use_threads(count)
        step()  # allocates memory and chooses kernels
        turns[count] = []
        for _ in range(_LEAST_TURNS):
            check()
            turns[count].append(_turn(step, 1, clock))
        if min(turns[count]) > _TOO_SLOW * min(map(min, turns.values())):
            break
    steps = {n: max(1, round(_TURN_SECONDS / max(min(t), 1e-9))) for n, t in turns.items()}
    order = list(turns)
    while clock() < end:
        for count in order:
            use_threads(count)
            check()
            turns[count].append(_turn(step, steps[count], clock))
        order.reverse()
    times = ThreadTimes({count: min(each) for count, each in turns.items()})
    is_steady = all(_is_steady(turns[count]) for count in {1, times.best})
    return replace(times, is_steady=is_steady)


def _turn(step: Callable[[], object], steps: int, clock: Callable[[], float]) -> float:
    """The mean seconds of so many steps."""
    start = clock()
    for _ in range(steps):
        step()
    return (clock() - start) / steps


def _is_steady(turns: Sequence[float]) -> bool:
    """Whether half of the turns took about as long as the shortest."""
    return statistics.median_low(turns) <= _STEADY * min(turns)
