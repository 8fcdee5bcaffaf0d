"""Measures, as one process or one of several ranks, how fast lectures train: for `scaling`."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models import find_lecture
from models.loading.load import load_lecture
from tests.benchmarks import gradient_sums
from tui_app.runs.settings.run_settings import RunSettings, resolve_settings
from tui_app.terminal.signals import exit_immediately
from tui_app.training.devices.machine_load import usable_cores
from tui_app.training.prepare import prepare
from tui_app.training.ranks.group import Group, join
from tui_app.training.ranks.launch import Launch
from tui_app.training.ranks.ranks import ALONE, Ranks
from tui_app.training.recording.choice import fastest_steps
from tui_app.training.state import Training
from tui_app.training.step_runner import StepRunner

LECTURES = {"9": "softmax", "10": "10_basic", "11": "resnet"}

#: Sums that are timed alone.
SUMS = 20


@dataclass
class Arguments:
    """What to measure."""

    data_dir: Path | None = None
    """A folder with MNIST."""

    lectures: tuple[str, ...] = tuple(LECTURES)
    """Which lectures: 9, 10, 11."""

    ranks: tuple[int, ...] = ()
    """The numbers of ranks; 1 stands for one process alone."""

    device: str = "cpu"
    """cpu, or cuda."""

    rounds: int = 3
    """How often each number of ranks has its turn."""

    seconds: float = 1.0
    """How long a lecture trains for each of its two measurements."""

    minutes: float = 5.0
    """After so long no other round begins."""

    ddp: bool = True
    """Whether to compare with DistributedDataParallel, in the first round."""


@dataclass(frozen=True)
class Speed:
    """What one number of ranks was measured to do with one lecture. Without other ranks, nothing
    is in sums.
    """

    lecture: str
    ranks: int
    threads: int
    samples_per_second: float
    in_sums: float = 0.0
    sum_milliseconds: float = 0.0
    ddp: float = 0.0


class TimedRanks:
    """The ranks of a group, whose sums are timed; all else is the group's."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.is_timing = False
        self.seconds, self.size = 0.0, 0
        self._device = torch.device("cpu")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.group, name)

    def sum_on_device(self, tensor: Tensor) -> None:
        """Sum gradients, and add the seconds that it takes."""
        self.size, self._device = tensor.numel(), tensor.device
        with self._timed():
            self.group.sum_on_device(tensor)

    def sum(self, values: Sequence[float]) -> list[float]:
        """Sum numbers on the host, and add the seconds that it takes."""
        with self._timed():
            return self.group.sum(values)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        if not self.is_timing:
            yield
            return
        begun = now(self._device)
        yield
        self.seconds += now(self._device) - begun


def now(device: torch.device) -> float:
    """The time, once the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def measure(lecture: str, arguments: Arguments, ranks: Ranks) -> Speed:
    """Train the lecture for a moment; all ranks of a group call this together."""
    training = prepare(settings_of(lecture, arguments, ranks.count), ranks=ranks)
    device, runner = torch.device(training.device.name), fastest_steps(training)
    training.model.train()
    steps = batches(training, runner)
    run(steps, 3)  # kernels are chosen, memory is allocated
    one = timed(device, lambda: run(steps, 3)) / 3
    count = ranks.agree(lambda: max(3, int(arguments.seconds / one)))
    samples = 0

    def train() -> None:
        nonlocal samples
        samples = run(steps, count)

    seconds = timed(device, train)
    threads = training.thread_choice.count
    if not isinstance(ranks, TimedRanks):
        return Speed(lecture, 1, threads, samples / seconds)
    ranks.is_timing, ranks.seconds = True, 0.0
    whole = timed(device, train)
    share = ranks.seconds / whole
    ranks.is_timing = False
    gradients = torch.zeros(ranks.size, device=device)
    alone = timed(device, lambda: [ranks.sum_on_device(gradients) for _ in range(SUMS)]) / SUMS
    ddp = slower_with_ddp(ranks.group, lecture, arguments.device) if arguments.ddp else 0.0
    return Speed(lecture, ranks.count, threads, samples / seconds, share, 1000 * alone, ddp)


def slower_with_ddp(group: Group, lecture: str, device: str) -> float:
    """How many times as long a step takes with DistributedDataParallel; the median of rounds."""
    times = gradient_sums.measure(group, LECTURES[lecture], device)
    return statistics.median(d / f for d, f in zip(times.ddp, times.flat, strict=True))


def settings_of(lecture: str, arguments: Arguments, ranks: int) -> RunSettings:
    """The lecture's settings; the ranks of a group share the cores."""
    threads = "auto" if ranks == 1 else max(1, usable_cores() // ranks)
    given: dict[str, Any] = {"device": arguments.device, "threads": threads, "devices": ranks}
    if arguments.data_dir is not None:
        given |= {"dataset": "mnist", "data_dir": str(arguments.data_dir)}
    return resolve_settings(load_lecture(find_lecture(LECTURES[lecture])), given)


def batches(training: Training, runner: StepRunner) -> Iterator[int]:
    """Run steps, epoch after epoch; the samples of each over all ranks."""
    epoch, most = 0, 64
    while True:
        runner.begin_epoch(epoch, 0)
        left = len(training.batches)
        while left:
            done = runner.run(min(left, most))
            left -= len(done.sizes)
            yield from done.sizes
        epoch += 1


def run(steps: Iterator[int], count: int) -> int:
    """Run so many steps; their samples."""
    return sum(next(steps) for _ in range(count))


def timed(device: torch.device, work: Callable[[], object]) -> float:
    """The seconds that the work takes."""
    begun = now(device)
    work()
    return now(device) - begun


def be_rank(launch: Launch | None, arguments: Arguments) -> None:
    """Measure all lectures; the rank that writes prints a line of JSON for each."""
    group = join(launch, arguments.device) if launch is not None else None
    ranks: Any = ALONE if group is None else TimedRanks(group)
    for lecture in arguments.lectures:
        speed = measure(lecture, arguments, ranks)
        if ranks.rank == 0:
            print(json.dumps(asdict(speed)), flush=True)
    if group is not None:
        group.close()
    exit_immediately(0)  # a process that exits by itself may meet its own gloo threads, and abort
