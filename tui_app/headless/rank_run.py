"""Joins a process to the other ranks of a run, and ends it with them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial

from datasets.reading.progress import ProgressReporter
from tui_app.headless.run_terminal import RunTerminal
from tui_app.monitoring.failures import failure_of
from tui_app.runs.errors import DeviceUnavailable, RankFailed
from tui_app.runs.exit_codes import ExitCode
from tui_app.terminal.signals import exit_immediately
from tui_app.training.outcome import Outcome
from tui_app.training.ranks.group import Failure, Group, join
from tui_app.training.ranks.launch import Launch
from tui_app.training.ranks.rank_device import device_type_of
from tui_app.training.ranks.rank_process import discard_errors, end_rank, ignore_signals
from tui_app.training.ranks.rank_watch import RankWatch
from tui_app.training.steering.control import Control

#: Seconds in which a run that has ended can save, though a rank has failed.
_FINISHING = 15.0


@dataclass(frozen=True)
class JoinedRank:
    """This process as one of the ranks of a `group`, which `watch` watches."""

    launch: Launch
    group: Group
    watch: RankWatch

    @property
    def agents(self) -> Sequence[str]:
        """The processes that started the ranks, on each machine one."""
        processes = map(self.watch.process, range(self.launch.count))
        return [process.agent for process in processes if process is not None]


@contextmanager
def joined_rank(
    launch: Launch, requested: str, control: Control, terminal: RunTerminal | None = None
) -> Iterator[JoinedRank]:
    """Join the other ranks, on the `requested` device, while this context lasts.

    Rank 0 has a `terminal`. The failure of another rank ends its run, or else its process; the end
    of torchrun stops it. Another rank reports the error that ends this context. Raises RankFailed,
    DeviceUnavailable, InvalidValue and LoadingStopped.
    """
    device_type = device_type_of(launch, requested)
    device = f"cuda:{launch.local_rank}" if device_type == "cuda" else "cpu"
    with ExitStack() as stack:
        watch = RankWatch(launch, device)
        if terminal is not None:
            watch.on_failure = _Ending(launch, control, terminal, watch).end
            watch.on_orphaned = partial(control.stop, _ORPHANED, ExitCode.FAILED)
            terminal.watch = watch
        else:
            ignore_signals()
        stack.enter_context(watch)
        try:
            watch.wait_for_all(ProgressReporter(stopped=control.must_stop).check)
            _refuse_other_devices(watch, launch.count)
            group = stack.enter_context(closing(join(launch, device_type, watch.attempt)))
            discard_errors()
            yield JoinedRank(launch, group, watch)
        except BaseException as error:
            if launch.rank:
                if not isinstance(error, RankFailed):
                    failure = failure_of(error)
                    watch.report(failure.sentence, failure.exit_code)
                watch.wait_for_rank_0()
            raise


_ORPHANED = "stopped because torchrun, which started this process, has ended"


def _refuse_other_devices(watch: RankWatch, count: int) -> None:
    """Raise DeviceUnavailable, on every rank, if they don't all have a CUDA device, or none."""
    first = watch.process(0)
    for rank in range(count):
        process = watch.process(rank)
        assert process is not None  # all have come
        assert first is not None
        if process.device.partition(":")[0] != first.device.partition(":")[0]:
            raise DeviceUnavailable(
                f"{watch.describe(rank)} and {watch.describe(0)} can't train together: "
                "give --device cpu, or start fewer ranks on each machine"
            )


class _Ending:
    """Ends rank 0 when another rank has failed, and its own thread is stuck or busy."""

    def __init__(
        self, launch: Launch, control: Control, terminal: RunTerminal, watch: RankWatch
    ) -> None:
        self._launch = launch
        self._control = control
        self._terminal = terminal
        self._watch = watch
        self._patience: float | None = None

    def end(self, failure: Failure) -> None:
        """Record and print the failure, and end the process; a run that saves may do so first."""
        if self._control.is_finishing:
            self._patience = self._patience or time.monotonic() + _FINISHING
            if time.monotonic() < self._patience:
                return
        outcome = Outcome("failed", self._watch.sentence(failure), failure.exit_code)
        self._terminal.abandon(self._control, outcome=outcome)
        self._terminal.show_cursor()
        end_rank(self._launch, outcome.exit_code)
        exit_immediately(outcome.exit_code)
