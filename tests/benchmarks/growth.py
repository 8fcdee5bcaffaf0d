"""Measures how tutorch slows down as runs grow longer and more numerous.

    python -m tests.benchmarks.growth [--steps 1000000] [--train 200000]

Runs of `steps` steps are written as a run writes them, in two shapes: a thousand steps an
epoch, and one. A run of `train` one-step epochs is really trained, to see its memory. Seconds are
those of the clock and of the processor: a busy machine stretches the former alone.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psutil
import tyro
from textual.app import App, ComposeResult

from tests.program import command, environment, train
from tui_app.app.appearance.series_colours import series_colours
from tui_app.app.widgets.chart import Chart
from tui_app.app.widgets.curve_plot import CurvePlot
from tui_app.monitoring.curves.run_curves import RunCurves
from tui_app.monitoring.history import History
from tui_app.monitoring.recorded_run import RecordedRun
from tui_app.monitoring.run_info import RunInfo
from tui_app.runs.events import BestImproved, EpochCompleted, Event, StepsCompleted
from tui_app.runs.files.durable_files import write_json
from tui_app.runs.metrics.metrics_file import MetricsFile
from tui_app.runs.metrics.metrics_rewind import rewind_metrics
from tui_app.runs.run_folder import RunFolder, read_json


@dataclass
class Benchmark:
    """What to measure."""

    steps: int = 1_000_000
    """Steps of a long run."""

    folders: int = 1000
    """Run folders to be listed."""

    train: int = 200_000
    """Epochs of one step that are really trained."""


def main(wanted: Benchmark) -> None:
    """Measure, and print a line for each."""
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        short = train("05", "--epochs", 20)
        for steps_per_epoch in (1000, 1):
            of_a_long_run(long_run(short, wanted.steps, steps_per_epoch), wanted.steps)
        for length in (100, 10_000, wanted.steps):
            of_a_chart(length)
        of_many_folders(short, wanted.folders)
        os.chdir("/")
    of_memory(wanted.train)


@dataclass(frozen=True)
class Took:
    """Seconds on the clock, and of the processor."""

    wall: float
    cpu: float


def tell(what: str, took: Took) -> None:
    """A line of the result."""
    print(f"{what:<62} {took.wall:7.3f} s, processor {took.cpu:7.3f} s", flush=True)


def timed(act: Callable[[], object], times: int = 3) -> Took:
    """The medians of what `act` takes, programs that it runs included."""
    walls, cpus = [], []
    for _ in range(times):
        wall, cpu = time.perf_counter(), sum(os.times()[:4])
        act()
        walls.append(time.perf_counter() - wall)
        cpus.append(sum(os.times()[:4]) - cpu)
    return Took(statistics.median(walls), statistics.mean(cpus))  # the processor's ticks are coarse


# A long run


def events(steps: int, steps_per_epoch: int) -> Iterator[Event]:
    """A run as it is told: losses that fall, with noise on them; every tenth epoch is the best."""
    noise = np.random.default_rng(0).normal(1, 0.1, steps)
    losses = [float(f"{loss:.7g}") for loss in noise * 5 / np.sqrt(1 + np.arange(steps))]
    for epoch, first in enumerate(range(0, steps, steps_per_epoch), 1):
        here = tuple(losses[first : first + steps_per_epoch])
        last, loss = first + len(here), here[-1]
        yield StepsCompleted(run="r", epoch=epoch, first_step=first + 1, lr=0.01, losses=here)
        yield EpochCompleted(
            run="r",
            epoch=epoch,
            step=last,
            lr=0.01,
            seconds=round(1e-4 * len(here) * noise[first], 7),
            samples_per_second=float(f"{3e4 * noise[first]:.5g}"),
            values={"train_loss": loss, "train_loss_after": loss * 0.98765432},
        )
        if epoch % 10 == 1:
            yield BestImproved(
                run="r", epoch=epoch, step=last, metric="train_loss_after", value=loss * 0.98765432
            )


def long_run(short: Path, steps: int, steps_per_epoch: int) -> RunFolder:
    """A copy of a run's folder, with so many steps in it: 10 000 of them a second."""
    folder = RunFolder(short.with_name(f"long-{steps_per_epoch}"))
    shutil.copytree(short, folder.path)
    folder.metrics.unlink()
    now = [0.0]
    metrics = MetricsFile(folder.metrics, lambda: now[0])
    for event in events(steps, steps_per_epoch):
        now[0] += 1e-4 * steps_per_epoch if event.kind == "steps" else 0
        metrics(event)
    metrics.close()
    epochs = steps // steps_per_epoch
    record = read_json(folder.run_json)
    record["hyperparameters"]["epochs"] = epochs
    write_json(folder.run_json, {**record, "steps_per_epoch": steps_per_epoch})
    write_json(folder.status, {**read_json(folder.status), "epoch": epochs, "step": steps})
    return folder


def of_a_long_run(folder: RunFolder, steps: int) -> None:
    """How large it is, and how soon it opens."""
    size, lines = folder.metrics.stat().st_size, folder.metrics.read_bytes().count(b"\n")
    shape = f"{steps} steps, {folder.read_record().steps_per_epoch} an epoch"
    print(f"{shape}: metrics.jsonl has {size / steps:.0f} bytes a step, {lines} lines")

    def opened() -> None:
        followed = RecordedRun(folder)
        while not followed.is_over:
            followed.poll()
        assert followed.history.step == steps

    tell("  the app has read it whole", timed(opened))
    words = command("show", folder.path)
    tell("  tutorch show, the program's start included", timed(lambda: program(words)))
    epochs = folder.read_record().epochs

    def rewound() -> None:
        rewind_metrics(folder.metrics, epochs, steps)

    tell("  resume cuts back what came after its checkpoint", timed(rewound))


def program(words: list[str]) -> None:
    """Run a program to its end."""
    subprocess.run(words, env=environment(), check=True, capture_output=True)


def of_many_folders(short: Path, count: int) -> None:
    """How soon they are listed."""
    runs = Path("many").absolute()
    for number in range(count):
        folder = runs / short.parent.name / f"20260101-000000-{number:04x}"
        folder.mkdir(parents=True)
        for name in ("run.json", "status.json"):
            shutil.copy(short / name, folder / name)
    words = command("runs", "--runs-dir", runs)
    tell(f"tutorch runs over {count} folders", timed(lambda: program(words)))


# The chart


def of_a_chart(length: int) -> None:
    """How long a frame of two series takes at 120x40, from the history to the lines of text."""
    history = History()
    history.info = RunInfo("lecture", "data", max(1, length // 100), 100, "test_accuracy")
    for event in events(length, 100):
        history.record(event, log=False)
    frame, render = asyncio.run(drawn(history))
    tell(f"a chart of {length} steps, two series, 120x40: render()", render)
    tell("  the whole frame, from the history on", frame)


class Canvas(App[None]):
    """A chart and nothing else."""

    in_ascii = False

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The colours that tutorch draws curves in."""
        return series_colours(self.current_theme)

    def __init__(self, history: History) -> None:
        super().__init__()
        self._history = history

    def compose(self) -> ComposeResult:
        """The chart."""
        yield Chart(RunCurves(self._history))


async def drawn(history: History) -> tuple[Took, Took]:
    """The seconds of a whole frame, and of its `render()` alone."""
    app = Canvas(history)
    async with app.run_test(size=(120, 42)) as pilot:
        chart = app.query_one(Chart)
        chart.view = replace(chart.view, panels="loss")
        await pilot.pause()
        plot = chart.query_one("#loss-plot", CurvePlot)
        assert (plot.size.width, plot.size.height) == (120, 40)
        assert len(plot.picture.curves) >= 2
        render = timed(plot.render, 15)

        def frame() -> None:
            history.losses.append(history.losses[-1])  # a step more: nothing is kept ready
            chart.draw()
            plot.render()

        return timed(frame, 15), render


# Memory


def of_memory(epochs: int) -> None:
    """How much a run of one-step epochs grows while it trains."""
    with tempfile.TemporaryDirectory() as place:
        words = command("--no-tui", "--quiet", "05", "--epochs", epochs, "--runs-dir", place)
        with subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL) as process:
            sizes, program = [], psutil.Process(process.pid)
            while process.poll() is None:
                try:
                    sizes.append(program.memory_info().rss / 2**20)
                except psutil.Error:
                    break
                time.sleep(0.5)
    early, late = sizes[len(sizes) // 4], sizes[-2]
    print(f"memory of {epochs} epochs: {early:.0f} MiB after a quarter, {late:.0f} MiB at the end")


if __name__ == "__main__":
    main(tyro.cli(Benchmark))
