"""Measures training speed against the lecture's own script and the bare arithmetic.

    python -m tests.benchmarks.training --data-dir FOLDER [--device cuda]

For each lecture the ways take turns, each in a process of its own, forwards in one round and
backwards in the next, so that a busy moment of the machine meets all of them; what counts is the
ratio within a round. FOLDER holds MNIST. The end is a table in Markdown: seconds per epoch of
training, and ratios as median (least to greatest). An epoch of lecture 5 stands for 10 000 steps.

- script: tests/benchmarks/plain_script.py, with torch's default threads
- headless: `tutorch --no-tui`
- app: tutorch in the app, on a terminal of 120x36
- bare: the same model, optimizer and threads on one batch again and again
"""

from __future__ import annotations

import gzip
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
import tyro

from tests.program import metrics_lines

LECTURES = {"5": "05", "9": "softmax", "10": "10_basic", "11": "resnet"}
WAYS = ("script", "headless", "app", "bare")
STEPS_OF_5 = 10_000


@dataclass
class Arguments:
    """What to measure."""

    data_dir: Path
    """A folder with MNIST."""

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
            seconds = measured[lecture] = {way: [] for way in arguments.ways}
            for turn in range(arguments.rounds):
                for way in arguments.ways if turn % 2 == 0 else arguments.ways[::-1]:
                    seconds[way].append(measure(way, lecture, arguments, Path(scratch)))
                    told = f"lecture {lecture}, round {turn + 1}, {way}: {seconds[way][-1]:.3f} s"
                    print(told, file=sys.stderr, flush=True)
    print(table(measured, arguments.ways))


def title(device: str) -> str:
    """The device in words."""
    return torch.cuda.get_device_name() if device.startswith("cuda") else device


def table(measured: dict[str, dict[str, list[float]]], ways: Sequence[str]) -> str:
    """Medians, and ratios to headless, in Markdown."""
    pairs = [("script", "headless"), ("app", "headless"), ("headless", "bare")]
    pairs = [pair for pair in pairs if set(pair) <= set(ways)]
    heads = ["lecture", *ways, *(" / ".join(pair) for pair in pairs)]
    rows = [heads, ["---"] * len(heads)]
    for lecture, seconds in measured.items():
        row = [lecture, *(f"{statistics.median(seconds[way]):.3f}" for way in ways)]
        for above, below in pairs:
            ratios = [a / b for a, b in zip(seconds[above], seconds[below], strict=True)]
            row.append(spread(ratios, ".2f"))
        rows.append(row)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def spread(values: list[float], form: str) -> str:
    """Median, least and largest."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def measure(way: str, lecture: str, arguments: Arguments, scratch: Path) -> float:
    """Seconds of training per epoch: the better of two epochs, or all of lecture 5's steps."""
    if way == "script":
        folder = torchvision_layout(arguments.data_dir, scratch)
        script = Path(__file__).with_name("plain_script.py")
        epochs = str(STEPS_OF_5 if lecture == "5" else 2)
        output = call(arguments, str(script), lecture, str(folder), arguments.device, epochs)
        return of_epochs(lecture, [float(line) for line in output.split()])
    if way == "bare":
        shared = ("--data-dir", str(arguments.data_dir), "--device", arguments.device)
        module = ("-m", "tests.benchmarks.training", "--bare", lecture)
        return float(call(arguments, *module, "--threads", arguments.threads, *shared))
    runs = Path(tempfile.mkdtemp(dir=scratch))
    words = [LECTURES[lecture], "--device", arguments.device, "--threads", arguments.threads]
    words += ["--runs-dir", str(runs)]
    if lecture == "5":
        words += ["--epochs", str(STEPS_OF_5), "--eval-every", str(STEPS_OF_5)]
    else:
        words += ["--epochs", "2", "--dataset", "mnist", "--data-dir", str(arguments.data_dir)]
    if way == "app":
        in_app(words)
    else:
        call(arguments, "-m", "tui_app", "--no-tui", "--quiet", *words)
    (metrics,) = runs.glob("*/*/metrics.jsonl")
    epochs = [line["seconds"] for line in metrics_lines(metrics) if line["kind"] == "epoch"]
    return of_epochs(lecture, epochs)


def of_epochs(lecture: str, seconds: list[float]) -> float:
    """Those of one epoch."""
    return sum(seconds) if lecture == "5" else min(seconds)


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
