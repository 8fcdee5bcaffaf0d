"""Measures how much faster several ranks train than one, and the time that their sums take.

    python -m tests.benchmarks.scaling [--data-dir FOLDER] [--ranks 1 2] [--device cuda]

The lectures are trained for a moment by one process, as `tutorch` does it, and by groups of ranks,
as `--devices` does it: 1 and 2 on the CPU, and 1, 2, 4, ... up to the number of cards with
`--device cuda`. The numbers of ranks take turns, forwards in one round and backwards in the next; a
ratio is that of one round. FOLDER holds MNIST; without it, the scans that are bundled are the data.

The end is a table in Markdown, with median (least to greatest) of the rounds:

- threads: those of each rank
- samples/s: training alone, without evaluation, recording and saving
- of one: how many times as many as one process trains
- in sums: the share of a step that a rank spends in the sums of gradients, which includes the wait
  for the slowest rank
- DDP: how many times as long a step takes with torch's DistributedDataParallel, measured once as
  tests.benchmarks.gradient_sums does it, on one thread
- a sum alone: the milliseconds of a sum of so many gradients among ranks that do nothing else
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
import tyro
from torch import Tensor

from models import find_lecture
from models.loading.load import load_lecture
from tests.benchmarks import gradient_sums
from tests.benchmarks.training import NAMES, spread, title
from tui_app.runs.settings.run_settings import resolve_settings
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

#: Sums that are timed alone, and seconds after which a group that hangs is ended.
SUMS, LONGEST = 20, 300.0


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


# A rank


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


def settings_of(lecture: str, arguments: Arguments, ranks: int) -> Any:
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


# The program that starts them


def main(arguments: Arguments) -> None:
    """Measure in rounds, and print the table."""
    counts = arguments.ranks or default_counts(arguments.device)
    data = "MNIST" if arguments.data_dir else "digits"
    print(f"torch {torch.__version__}, {usable_cores()} cores, {title(arguments.device)}, {data}")
    end = time.monotonic() + 60 * arguments.minutes
    rounds: list[dict[tuple[str, int], Speed]] = []
    while len(rounds) < arguments.rounds and (not rounds or time.monotonic() < end):
        found: dict[tuple[str, int], Speed] = {}
        for count in counts if len(rounds) % 2 == 0 else counts[::-1]:
            for speed in start(count, replace(arguments, ddp=arguments.ddp and not rounds)):
                found[speed.lecture, speed.ranks] = speed
                print(f"round {len(rounds) + 1}: {speed}", file=sys.stderr, flush=True)
        rounds.append(found)
    print(table(rounds))


def default_counts(device: str) -> tuple[int, ...]:
    """1 and 2 on the CPU; 1, 2, 4, ... as far as there are cards."""
    if device == "cpu":
        return (1, 2)
    cards = torch.cuda.device_count()
    return tuple(2**power for power in range(cards.bit_length()) if 2**power <= cards)


def start(count: int, arguments: Arguments) -> list[Speed]:
    """Start one process alone, or the ranks of a group, and read what they measured."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(count)}
    shared["OMP_NUM_THREADS"] = str(max(1, usable_cores() // count))
    shared[_ARGUMENTS] = json.dumps({**asdict(arguments), "data_dir": _text(arguments.data_dir)})
    command = [sys.executable, "-m", "tests.benchmarks.scaling"]
    with running() as processes:
        for rank in range(count):
            own = {} if count == 1 else {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            out = subprocess.PIPE if rank == 0 else subprocess.DEVNULL
            environment = {**os.environ, **shared, **own}
            processes.append(subprocess.Popen(command, env=environment, stdout=out, text=True))
        output, _ = processes[0].communicate(timeout=LONGEST)
        exit_codes = [process.wait(LONGEST) for process in processes]
        if any(exit_codes):
            raise SystemExit(f"{count} ranks failed")
    return [Speed(**json.loads(line)) for line in output.splitlines()]


_ARGUMENTS = "TUTORCH_SCALING"


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path.resolve())


@contextmanager
def running() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that end with this block, whatever happens."""
    processes: list[subprocess.Popen[str]] = []
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def table(rounds: Sequence[dict[tuple[str, int], Speed]]) -> str:
    """Medians and spreads, in Markdown."""
    heads = [
        "lecture",
        "ranks",
        "threads",
        "samples/s",
        "of one",
        "in sums",
        "DDP",
        "a sum alone, ms",
    ]
    rows = [heads, ["---"] * len(heads)]
    for lecture, count in sorted(rounds[0], key=lambda key: (int(key[0]), key[1])):
        found = [each[lecture, count] for each in rounds]
        alone = [each.get((lecture, 1)) for each in rounds]
        ratios = [
            speed.samples_per_second / one.samples_per_second
            for speed, one in zip(found, alone, strict=True)
            if one is not None
        ]
        threads = sorted({speed.threads for speed in found})
        row = [NAMES[lecture].removesuffix(", an epoch"), str(count), "/".join(map(str, threads))]
        row.append(spread([speed.samples_per_second for speed in found], ",.0f"))
        row.append(spread(ratios, ".2f") if ratios else "-")
        is_one = count == 1
        row.append("-" if is_one else spread([100 * s.in_sums for s in found], ".0f") + " %")
        row.append(f"{rounds[0][lecture, count].ddp:.2f}" if rounds[0][lecture, count].ddp else "-")
        row.append("-" if is_one else f"{statistics.median(s.sum_milliseconds for s in found):.2f}")
        rows.append(row)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    if _ARGUMENTS in os.environ:
        values = json.loads(os.environ[_ARGUMENTS])
        folder = values.pop("data_dir")
        be_rank(
            Launch.from_environment(os.environ),
            Arguments(**values, data_dir=None if folder is None else Path(folder)),
        )
    else:
        main(tyro.cli(Arguments))
