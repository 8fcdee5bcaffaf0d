"""Measures the app: time to its first paint and to a key's effect, and its cost to training.

    python -m tests.benchmarks.app [--data-dir FOLDER]

Everything is measured on a real pty. With FOLDER (which holds MNIST) the throughput is that of
lectures 9 and 10 on MNIST, otherwise of lecture 9 on digits; and of lecture 3, a model of one
parameter. App and headless take turns, each in a process of its own, so that a busy moment of the
machine meets both; what counts is the ratio within a round.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from tests.program import command, environment
from tests.terminal_program import Terminal


@dataclass
class Benchmark:
    """What to measure."""

    data_dir: str = ""
    """A folder with MNIST."""

    rounds: int = 3
    """How often app and headless take turns."""

    keys: int = 60
    """How many keys are pressed while lecture 9 trains."""


def first_paint(times: int = 5) -> tuple[float, float, bool]:
    """Seconds to import textual, seconds from start to first paint, whether torch waited for it."""
    probe = [sys.executable, "-c", "import textual.app, textual.widgets"]
    textual, paint, torch_waits = [], [], True
    for _ in range(times):
        started = time.perf_counter()
        subprocess.run(probe, env=environment(), check=True)
        textual.append(time.perf_counter() - started)
        started = time.perf_counter()
        with Terminal() as terminal:
            while "1 Lectures" not in terminal.text:
                time.sleep(0.002)
            paint.append(time.perf_counter() - started)
            maps = Path(f"/proc/{terminal.pid}/maps")
            torch_waits &= not maps.exists() or "libtorch" not in maps.read_text()
    return min(textual), min(paint), torch_waits


#: The colours of the pane's name that is looked at, with 256 colours and with all of them.
_HERE = (b"\x1b[48;5;32m", b"\x1b[48;2;1;120;212m")


def key_latency(data: Sequence[str], keys: int) -> list[float]:
    """Seconds until a key shows on the screen while lecture 9 trains, sorted."""
    with Terminal("softmax", "--epochs", 10**6, *data) as terminal:
        terminal.shows("s Start")
        terminal.until(lambda: "early stopping" in terminal.text)
        terminal.press("s")
        terminal.shows("training", "samples/s")
        latencies = []
        for number in range(keys):
            after = 0.3 + 0.037 * (number % 9)
            latencies.append(terminal.seconds_until(("3", "1")[number % 2], _HERE, after))
    return sorted(latencies)


def throughput(words: Sequence[object], *, in_app: bool) -> float:
    """Samples or steps per second of training, by the epochs' own clock from the second one on."""
    with tempfile.TemporaryDirectory() as place:
        before = Path.cwd()
        os.chdir(place)
        try:
            if in_app:
                with Terminal(*words) as terminal:
                    terminal.shows("s Start")
                    terminal.until(lambda: "early stopping" in terminal.text, 120)
                    terminal.press("s")
                    terminal.until(lambda: "done  " in terminal.text, 600)
            else:
                subprocess.run(
                    command("--no-tui", *words), env=environment(), check=True, capture_output=True
                )
            (metrics,) = Path("runs").glob("*/*/metrics.jsonl")
            (status,) = Path("runs").glob("*/*/status.json")
            lines = map(json.loads, metrics.read_text().splitlines())
            epochs = [line for line in lines if line["kind"] in ("epoch", "completed")]
            seconds = epochs[-1]["seconds"]
            assert json.loads(status.read_text())["state"] == "completed"
            return epochs[-1]["step"] / seconds
        finally:
            os.chdir(before)


def main(wanted: Benchmark) -> None:
    """Measure, and print a table."""
    textual, paint, torch_waits = first_paint()
    later = "not " if torch_waits else ""
    print(
        f"importing textual {textual:.2f} s, first paint {paint:.2f} s, torch {later}yet imported"
    )
    data = ["--dataset", "mnist", "--data-dir", wanted.data_dir] if wanted.data_dir else []
    latencies = key_latency(data, wanted.keys)
    p95 = latencies[int(0.95 * (len(latencies) - 1))]
    print(f"a key: median {1000 * statistics.median(latencies):.0f} ms, p95 {1000 * p95:.0f} ms")
    cases: list[list[object]] = [["softmax", *data, "--epochs", 3 if data else 60]]
    if data:
        cases.append(["10_basic", *data, "--epochs", 2])
    cases.append(["03", "--epochs", 20_000])
    for words in cases:
        ratios = []
        for turn in range(wanted.rounds):
            order = (True, False) if turn % 2 else (False, True)
            rates = {in_app: throughput(words, in_app=in_app) for in_app in order}
            ratios.append(rates[True] / rates[False])
        each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"{words[0]}: the app trains at {statistics.median(ratios):.2f} of headless ({each})")


if __name__ == "__main__":
    main(tyro.cli(Benchmark))
