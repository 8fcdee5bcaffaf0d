"""Measures how ranks best sum their gradients: in one flat tensor, or with DistributedDataParallel.

    python -m tests.benchmarks.gradient_sums [--ranks 1 2 3]

trains the nets of lectures 5, 9, 10 and 11 on their bundled data, with so many processes on the
CPU. The two ways take turns. DistributedDataParallel gets its best case: nobody sums its losses, no
share is empty, and every weight has a gradient. The end is a table in Markdown: the milliseconds of
a step as median (least to greatest) of the rounds, the ratio of the medians, and whether the way
sums the gradients of one batch to the same bits each time, as resuming a run exactly demands.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import tyro
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from models import find_lecture
from models.loading.load import load_lecture
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training.prepare import prepare
from tui_app.training.ranks.group import Group, join
from tui_app.training.ranks.launch import Launch
from tui_app.training.shared_steps import SharedSteps
from tui_app.training.state import Training

LECTURES = {"5": "05", "9": "softmax", "10": "10_basic", "11": "resnet"}
ROUNDS, SECONDS = 7, 0.3


@dataclass
class Arguments:
    """How many processes train together."""

    ranks: tuple[int, ...] = (1, 2, 3)
    """The numbers of ranks to measure."""


@dataclass(frozen=True)
class StepTimes:
    """By the way to sum: the milliseconds of a step in each round, and whether it gives the same
    bits each time.
    """

    flat: tuple[float, ...]
    ddp: tuple[float, ...]
    is_flat_exact: bool
    is_ddp_exact: bool


def measure(group: Group, lecture: str, device: str = "cpu") -> StepTimes:
    """Time both ways to train `lecture`; all ranks must call it, and get the same times."""
    ways = [make(_training(group, lecture, device)) for make in (_flat, _with_ddp)]
    is_exact = [_is_exact(_training(group, lecture, device), make) for make in (_flat, _with_ddp)]
    for run in ways:  # kernels are chosen, buckets made
        _seconds(group, run, 3)
    counts = [max(3, int(SECONDS / _seconds(group, run, 3))) for run in ways]
    rounds = [
        [1000 * _seconds(group, run, count) for run, count in zip(ways, counts, strict=True)]
        for _ in range(ROUNDS)
    ]
    flat, ddp = zip(*rounds, strict=True)
    return StepTimes(flat, ddp, *is_exact)


def _training(group: Group, lecture: str, device: str) -> Training:
    given = {"device": device, "threads": 1}
    return prepare(resolve_settings(load_lecture(find_lecture(lecture)), given), ranks=group)


def _seconds(group: Group, run: Callable[[], object], count: int) -> float:
    """The seconds of a step of `count`, as all ranks agree on them."""
    start = time.perf_counter()
    for _ in range(count):
        run()
    mean = (time.perf_counter() - start) / count
    return group.sum([mean])[0] / group.count


def _is_exact(training: Training, make: Callable[[Training], Callable[[], object]]) -> bool:
    """Whether three steps that change no weight sum the same gradients."""
    for group in training.optimizer.param_groups:
        group["lr"] = 0.0
    run, gradients = make(training), list[list[Tensor]]()
    for _ in range(3):
        run()
        gradients.append(
            [w.grad.clone() for w in training.model.parameters() if w.grad is not None]
        )
    first, *others = gradients
    return all(torch.equal(a, b) for each in others for a, b in zip(first, each, strict=True))


def _flat(training: Training) -> Callable[[], object]:
    steps = SharedSteps(training)
    training.model.train()

    def run() -> None:
        steps.begin_epoch(0, 0)
        steps.run(1)

    return run


def _with_ddp(training: Training) -> Callable[[], object]:
    model = DistributedDataParallel(training.model)
    model.train()

    def run() -> None:
        inputs, targets = next(training.batches.epoch(0, 0))
        training.optimizer.zero_grad(set_to_none=True)
        # The shares of the first batch are equal, so that the mean of the ranks is the batch's.
        training.criterion(model(inputs), targets).backward()
        training.optimizer.step()

    return run


def _rank(launch: Launch) -> None:
    """Measure as one rank; the first prints the rows of the table."""
    group = join(launch, "cpu")
    for name, lecture in LECTURES.items():
        times = measure(group, lecture)
        if group.writes:
            flat, ddp = statistics.median(times.flat), statistics.median(times.ddp)
            exact = ["yes" if each else "no" for each in (times.is_flat_exact, times.is_ddp_exact)]
            cells = [group.count, name, _spread(times.flat), _spread(times.ddp)]
            print("|", *(f"{cell} |" for cell in [*cells, f"{ddp / flat:.2f}", *exact]), flush=True)
    group.close()


def _spread(times: tuple[float, ...]) -> str:
    return f"{statistics.median(times):.3g} ({min(times):.3g} to {max(times):.3g})"


def _start(count: int) -> None:
    """Start the ranks and wait for them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(count)}
    ranks = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.gradient_sums"],
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(count)
    ]
    codes = [rank.wait() for rank in ranks]
    if any(codes):
        raise SystemExit(1)


def main() -> None:
    """Measure, or be one of the ranks that do."""
    launch = Launch.from_environment(os.environ)
    if launch is not None:
        _rank(launch)
        return
    arguments = tyro.cli(Arguments)
    print("| ranks | lecture | flat, ms | DDP, ms | DDP/flat | flat exact | DDP exact |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for count in arguments.ranks:
        _start(count)


if __name__ == "__main__":
    main()
