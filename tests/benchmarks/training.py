"""Measures training speed against the lecture's own script and the bare arithmetic.

    python -m tests.benchmarks.training --data-dir FOLDER [--device cuda]

For each lecture the ways take turns, each in a process of its own, forwards in one round and
backwards in the next, so that a busy moment of the machine meets all of them; what counts is the
ratio within a round. FOLDER holds MNIST; lecture 5 needs none. The end is a table in Markdown, with
ratios as median (least to greatest).

- script: tests/benchmarks/plain_script.py, with torch's default threads. It trains and computes
  each step's loss; it evaluates, records and saves nothing
- headless: `tutorch --no-tui`
- app: tutorch in the app, on a terminal of 120x36
- bare: the same model, optimizer and threads on one batch again and again

Lectures 9 to 11 train two epochs. Their times are those of the faster epoch's training, because the
script doesn't evaluate either. The column `whole` is what a user waits for: the run's `seconds`
from its first step to its last save, divided by its epochs, with evaluation after each, recording
and saving. Lecture 5 trains 10 000 epochs of one step and is evaluated after each. Its times are
those of all of them, and headless and app are what a user waits for, as in `whole`.
"""

from __future__ import annotations

import gzip
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
import tyro

from tui_app.runs.events import EpochCompleted, RunCompleted
from tui_app.runs.metrics.metrics_file import read_events

LECTURES = {"5": "05", "9": "softmax", "10": "10_basic", "11": "resnet"}
WAYS = ("script", "headless", "app", "bare")
WHOLE = "whole"
STEPS_OF_5 = 10_000


@dataclass
class Arguments:
    """What to measure."""

    data_dir: Path = Path()
    """A folder with MNIST; lecture 5 alone needs none."""

    lectures: tuple[str, ...] = tuple(LECTURES)
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
    """The interpreter that runs the ways but the app."""

    bare: str = ""
    """Used by this program itself: measure the bare arithmetic of this lecture."""

    neighbours: int = 0
    """Busy processes beside all of it."""


def main(arguments: Arguments) -> None:
    """Measure and print the table."""
    if arguments.bare:
        print(measure_bare(arguments))
        return
    print(f"torch {torch.__version__}, {torch.get_num_threads()} cores, {title(arguments.device)}")
    measured: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory() as scratch, busy(arguments.neighbours):
        for lecture in arguments.lectures:
            seconds = measured[lecture] = {way: [] for way in columns(arguments.ways)}
            for turn in range(arguments.rounds):
                for way in arguments.ways if turn % 2 == 0 else arguments.ways[::-1]:
                    times = measure(way, lecture, arguments, Path(scratch))
                    seconds[way].append(times.compared)
                    if way == "headless":
                        seconds[WHOLE].append(times.whole)
                    told = f"lecture {lecture}, round {turn + 1}, {way}: {times.compared:.3f} s"
                    print(told, file=sys.stderr, flush=True)
    print(table(measured, arguments.ways))


def columns(ways: Sequence[str]) -> list[str]:
    """The columns of times: `whole` follows `headless`."""
    return [column for way in ways for column in ((way, WHOLE) if way == "headless" else (way,))]


def title(device: str) -> str:
    """The device in words."""
    return torch.cuda.get_device_name() if device.startswith("cuda") else device


def table(measured: dict[str, dict[str, list[float]]], ways: Sequence[str]) -> str:
    """Medians, and ratios to headless, in Markdown, with a sentence on what is in them."""
    pairs = [("script", "headless"), ("app", "headless"), ("headless", "bare")]
    pairs = [pair for pair in pairs if set(pair) <= set(ways)]
    times = columns(ways)
    heads = ["lecture", *times, *(" / ".join(pair) for pair in pairs)]
    rows = [heads, ["---"] * len(heads)]
    for lecture, seconds in measured.items():
        row = [NAMES[lecture], *(f"{statistics.median(seconds[each]):.3f}" for each in times)]
        for above, below in pairs:
            ratios = [a / b for a, b in zip(seconds[above], seconds[below], strict=True)]
            row.append(spread(ratios, ".2f"))
        rows.append(row)
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*lines, "", CONTENT])


NAMES = {
    "5": "5, linear model, 10 000 epochs",
    "9": "9, MLP, an epoch",
    "10": "10, CNN, an epoch",
    "11": "11, ResNet, an epoch",
}

CONTENT = (
    "Seconds. script: training alone, it records and evaluates nothing. headless and app: for "
    "lecture 5 the whole run, with an evaluation after each epoch, recording and saving; for the "
    "others training alone. whole: the whole headless run, divided by its epochs. bare: the steps "
    "on one batch."
)


def spread(values: list[float], form: str) -> str:
    """Median, least and largest."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


class Times(NamedTuple):
    """The seconds that are compared, and those of a whole run of tutorch divided by its epochs."""

    compared: float
    whole: float = math.nan


def measure(way: str, lecture: str, arguments: Arguments, scratch: Path) -> Times:
    """Measure one way once."""
    if way == "script":
        folder = scratch if lecture == "5" else torchvision_layout(arguments.data_dir, scratch)
        script = Path(__file__).with_name("plain_script.py")
        epochs = str(STEPS_OF_5 if lecture == "5" else 2)
        output = call(arguments, str(script), lecture, str(folder), arguments.device, epochs)
        return Times(min(float(line) for line in output.split()))
    if way == "bare":
        shared = ("--data-dir", str(arguments.data_dir), "--device", arguments.device)
        module = ("-m", "tests.benchmarks.training", "--bare", lecture)
        return Times(float(call(arguments, *module, "--threads", arguments.threads, *shared)))
    runs = Path(tempfile.mkdtemp(dir=scratch))
    words = [LECTURES[lecture], "--device", arguments.device, "--threads", arguments.threads]
    words += ["--runs-dir", str(runs)]
    if lecture == "5":
        words += ["--epochs", str(STEPS_OF_5)]
    else:
        words += ["--epochs", "2", "--dataset", "mnist", "--data-dir", str(arguments.data_dir)]
    if way == "app":
        in_app(words)
    else:
        call(arguments, "-m", "tui_app", "--no-tui", "--quiet", *words)
    (metrics,) = runs.glob("*/*/metrics.jsonl")
    epochs = list(read_events(metrics, EpochCompleted))
    (completed,) = read_events(metrics, RunCompleted)
    if lecture == "5":
        return Times(completed.seconds, completed.seconds)
    return Times(min(epoch.seconds for epoch in epochs), completed.seconds / len(epochs))


def in_app(words: list[str]) -> None:
    """Train in the app until it is done."""
    from tests.terminal_program import Terminal  # what it needs isn't where the other ways run

    with Terminal(*words) as terminal:
        terminal.shows("s Start")
        terminal.until(lambda: "weight decay" in terminal.text, 120)
        terminal.press("s")
        terminal.until(lambda: "done  " in terminal.text, 3600)


def measure_bare(arguments: Arguments) -> float:
    """Seconds that an epoch's steps take without anything between them, the better of two times."""
    from models import find_lecture
    from models.loading.load import load_lecture
    from tui_app.runs.settings.run_settings import resolve_settings
    from tui_app.training.prepare import prepare
    from tui_app.training.recording.choice import fastest_steps

    lecture = load_lecture(find_lecture(LECTURES[arguments.bare]))
    given = {"device": arguments.device}
    if arguments.bare != "5":
        given |= {"dataset": "mnist", "data_dir": str(arguments.data_dir)}
    threads = arguments.threads if arguments.threads == "auto" else int(arguments.threads)
    training = prepare(resolve_settings(lecture, {**given, "threads": threads}))
    runner, times = fastest_steps(training), []
    of_epoch = len(training.batches)
    for _ in range(2):
        begun = time.perf_counter()
        losses = []
        for epoch in range(STEPS_OF_5 if arguments.bare == "5" else 1):
            runner.begin_epoch(epoch, 0)
            left = of_epoch
            while left:
                run = runner.run(left)
                left -= len(run.sizes)
                losses.append(run.losses)
        torch.hstack(losses).tolist()
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
