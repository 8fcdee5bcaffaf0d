"""How fast tutorch trains: against the lecture's own way, and against the bare arithmetic.

    python -m tests.benchmarks.training --data-dir FOLDER

For each lecture the ways take turns, each in a process of its own, so that a busy moment of the
machine meets all of them; what counts is the ratio within a round. FOLDER holds MNIST.

- script: tests/benchmarks/plain_script.py, with torch's default threads
- headless: `tutorch --no-tui`
- bare: the same model, optimizer and threads on one batch again and again
"""

from __future__ import annotations

import gzip
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
import tyro

LECTURES = {"9": "softmax", "10": "10_basic", "11": "resnet"}
WAYS = ("script", "headless", "bare")


@dataclass
class Arguments:
    """What to measure."""

    data_dir: Path
    """A folder with MNIST."""

    lectures: tuple[str, ...] = ("5", *LECTURES)
    """Which lectures: 5, 9, 10, 11."""

    rounds: int = 3
    """How often each way has its turn."""

    device: str = "cpu"
    """cpu, or cuda."""

    threads: str = "auto"
    """What tutorch is told to train with."""

    ways: tuple[str, ...] = WAYS
    """Which ways to measure."""

    python: str = sys.executable
    """The interpreter that runs the ways."""

    bare: str = ""
    """Used by this program itself: measure the bare arithmetic of this lecture."""

    neighbours: int = 0
    """Busy processes beside all of it."""


def main(arguments: Arguments) -> None:
    """Measure and print the table."""
    if arguments.bare:
        print(measure_bare(arguments))
        return
    print(f"torch {torch.__version__}, {torch.get_num_threads()} cores, {arguments.device}")
    with tempfile.TemporaryDirectory() as scratch, busy(arguments.neighbours):
        for lecture in arguments.lectures:
            if lecture == "5":
                rounds = [steps_a_second(arguments, Path(scratch)) for _ in range(arguments.rounds)]
                print(f"lecture 5: {spread(rounds, '.0f')} steps/s headless", flush=True)
                continue
            seconds = {way: [] for way in arguments.ways}
            for _ in range(arguments.rounds):
                for way in arguments.ways:
                    seconds[way].append(measure(way, lecture, arguments, Path(scratch)))
            report(lecture, seconds)


def report(lecture: str, seconds: dict[str, list[float]]) -> None:
    """A line per way, and the ratios to tutorch's own."""
    for way, values in seconds.items():
        line = f"lecture {lecture}  {way:<9} {spread(values, '.2f')} s/epoch"
        if way != "headless" and "headless" in seconds:
            ratios = [a / b for a, b in zip(values, seconds["headless"], strict=True)]
            line += f"   / headless {spread(ratios, '.2f')}"
        print(line, flush=True)


def spread(values: list[float], form: str) -> str:
    """Median, least and largest."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def measure(way: str, lecture: str, arguments: Arguments, scratch: Path) -> float:
    """Seconds of training per epoch: the better of two epochs."""
    if way == "script":
        folder = torchvision_layout(arguments.data_dir, scratch)
        script = Path(__file__).with_name("plain_script.py")
        output = call(arguments, str(script), lecture, str(folder), arguments.device, "2")
        return min(map(float, output.split()))
    if way == "headless":
        return min(
            event["seconds"] for event in train(lecture, arguments, scratch, "--epochs", "2")
        )
    shared = ("--data-dir", str(arguments.data_dir), "--device", arguments.device)
    module = ("-m", "tests.benchmarks.training", "--bare", lecture, "--threads", arguments.threads)
    return float(call(arguments, *module, *shared))


def train(lecture: str, arguments: Arguments, scratch: Path, *options: str) -> list[dict]:
    """The epochs of a headless run."""
    mnist = ["--dataset", "mnist", "--data-dir", str(arguments.data_dir)] if lecture != "5" else []
    output = call(
        arguments,
        *("-m", "tui_app", "--no-tui", "--json", LECTURES.get(lecture, "05"), *mnist),
        *("--device", arguments.device, "--threads", arguments.threads),
        *("--runs-dir", str(scratch / "runs"), *options),
    )
    events = [json.loads(line) for line in output.splitlines()]
    return [event for event in events if event["kind"] == "epoch"]


def steps_a_second(arguments: Arguments, scratch: Path) -> float:
    """Steps a second of the one-neuron model, evaluation apart."""
    epochs = train("5", arguments, scratch, "--epochs", "10000", "--eval-every", "10000")
    return len(epochs) / sum(event["seconds"] for event in epochs)


def measure_bare(arguments: Arguments) -> float:
    """Seconds that 938 steps take on one batch, the better of two times."""
    from models import find_lecture, load_lecture
    from tui_app.training.prepare import prepare
    from tui_app.training.settings import settle
    from tui_app.training.step import make_step

    lecture = load_lecture(find_lecture(LECTURES[arguments.bare]))
    given = {"dataset": "mnist", "data_dir": str(arguments.data_dir), "device": arguments.device}
    threads = arguments.threads if arguments.threads == "auto" else int(arguments.threads)
    training = prepare(settle(lecture, {**given, "threads": threads}))
    step = make_step(training)
    inputs, targets = next(training.batches.epoch(0, 0))
    times = []
    for _ in range(2):
        begun = time.perf_counter()
        losses = [step(inputs, targets) for _ in range(len(training.batches))]
        torch.stack(losses).tolist()
        times.append(time.perf_counter() - begun)
    return min(times)


def torchvision_layout(data_dir: Path, scratch: Path) -> Path:
    """MNIST unpacked as torchvision wants it."""
    raw = scratch / "MNIST" / "raw"
    if not raw.is_dir():
        raw.mkdir(parents=True)
        for packed in data_dir.rglob("*-ubyte.gz"):
            (raw / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    return scratch


def call(arguments: Arguments, *words: str) -> str:
    """What a process of its own prints."""
    done = subprocess.run([arguments.python, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stderr}")
    return done.stdout


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that do nothing but keep a core busy."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


if __name__ == "__main__":
    main(tyro.cli(Arguments))
