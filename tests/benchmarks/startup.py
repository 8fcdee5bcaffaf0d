"""Measures the time to the help, to the list of lectures, and to the first loss.

    python -m tests.benchmarks.startup

The commands take turns, each in a process of its own, after one turn that is not counted: it writes
what Python keeps of compiled modules. The first loss on digits counts from the start of the program
until its line of JSON is there; what counts is how much longer that takes than `import torch` alone
in the same round. Processor time is told beside the wall's, since a busy machine stretches only
that.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

import tyro

from tests.program import command, environment


@dataclass
class Benchmark:
    """What to measure."""

    rounds: int = 5
    """How often each has its turn."""


@dataclass(frozen=True)
class Took:
    """Seconds on the clock, and of the processor."""

    wall: float
    cpu: float


def run(words: list[str], pycache: str, is_done: Callable[[str], bool] = lambda _: False) -> Took:
    """What a program takes to its end, or until it has printed a line that `is_done` knows."""
    surroundings = {**environment(), "PYTHONPYCACHEPREFIX": pycache}
    surroundings.pop("PYTHONDONTWRITEBYTECODE", None)
    begun = time.perf_counter()
    with subprocess.Popen(
        words, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        reached = any(is_done(line) for line in process.stdout)
        wall = time.perf_counter() - begun
        if reached:
            process.kill()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert reached or process.returncode == 0, f"{words} failed"
    return Took(wall, used.ru_utime + used.ru_stime)


def has_loss(line: str) -> bool:
    """Whether an event of JSON tells of steps."""
    return json.loads(line)["kind"] == "steps"


def main(wanted: Benchmark) -> None:
    """Measure, and print a line for each."""
    with tempfile.TemporaryDirectory() as place:
        first_loss = command("--no-tui", "--json", "--runs-dir", f"{place}/runs")
        ways: dict[str, Callable[[], Took]] = {
            "tutorch --help": lambda: run(command("--help"), place),
            "tutorch lectures": lambda: run(command("lectures"), place),
            "import torch": lambda: run([sys.executable, "-c", "import torch"], place),
            "first loss": lambda: run(first_loss, place, has_loss),
        }
        for way in ways.values():
            way()
        rounds = [{name: way() for name, way in ways.items()} for _ in range(wanted.rounds)]
    for name in ways:
        tell(name, [each[name] for each in rounds])
    tell(
        "first loss, after import torch",
        [
            Took(
                each["first loss"].wall - each["import torch"].wall,
                each["first loss"].cpu - each["import torch"].cpu,
            )
            for each in rounds
        ],
    )


def tell(name: str, took: list[Took]) -> None:
    """Medians, and the spread."""
    walls, cpus = [each.wall for each in took], [each.cpu for each in took]
    print(
        f"{name:<31} {statistics.median(walls):5.2f} s ({min(walls):.2f} to {max(walls):.2f}), "
        f"processor {statistics.median(cpus):.2f} s"
    )


if __name__ == "__main__":
    main(tyro.cli(Benchmark))
