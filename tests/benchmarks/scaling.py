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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import torch
import tyro

from tests.benchmarks.rank_speed import Arguments, Speed, be_rank
from tests.benchmarks.training import NAMES, spread, title
from tui_app.training.devices.machine_load import usable_cores
from tui_app.training.ranks.launch import Launch

#: Seconds after which a group that hangs is ended.
LONGEST = 300.0


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
