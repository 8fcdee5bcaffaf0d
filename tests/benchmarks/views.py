"""Measures what each view of each lecture costs while a run trains.

    python -m tests.benchmarks.views [--lectures 02 10_basic ...] [--data-dir FOLDER]

A view is polled and drawn as the app does it, beside a real run in this process. Its share is the
time that training waited for snapshots, and the time that drawing took, of all the time between
the first look and the last one. `hidden` is the loop's own question whether anybody wants
anything, which is all that a view costs that isn't shown.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import tyro

from models import find_lecture
from models.loading.load import load_lecture
from tui_app.monitoring.live_view import LiveView
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training.start import start_run
from tui_app.training.steering.control import Control
from tui_app.views import load_view
from tui_app.views.view import Frame

#: Lecture 2 is left out: its search is over before a view is looked at twice.
_LECTURES = (
    *("03", "04", "05", "06", "07 --dataset moons", "08_data", "softmax", "10_basic"),
    *("10_deeper", "lenet", "googlenet", "resnet", "12"),
)

#: Looks after which a share is known, and the seconds that a view is looked at at most.
_LOOKS, _SECONDS = 3, 60.0


@dataclass
class Benchmark:
    """What to measure."""

    lectures: tuple[str, ...] = _LECTURES
    """Lectures, with options after a name."""

    data_dir: str = ""
    """A folder with MNIST, to train the lectures 9 to 11 on it."""

    columns: int = 160
    """How wide a view is drawn."""

    rows: int = 48
    """And how high."""


@dataclass
class Cost:
    """Of one view: looks, seconds of a snapshot and of a drawing, and both as a share."""

    looks: int
    snapshot: float
    drawing: float
    share: float


def settings_of(words: str, data_dir: str, runs_dir: str):
    """The settings of a run without end."""
    lecture, *options = words.split()
    given: dict[str, object] = {"epochs": 10**7, "runs_dir": runs_dir, "device": "cpu"}
    while options:
        name = options.pop(0).removeprefix("--").replace("-", "_")
        given[name] = options.pop(0) if options and not options[0].startswith("--") else True
    found = load_lecture(find_lecture(lecture))
    if data_dir and "mnist" in found.datasets:
        given |= {"dataset": "mnist", "data_dir": data_dir}
    return resolve_settings(found, given)


def looked_at(live: LiveView, frame: Frame) -> Cost:
    """Look until the share is known."""
    begun = time.monotonic()
    first = last = 0.0
    snapshots: list[float] = []
    drawings: list[float] = []
    while len(snapshots) < _LOOKS and time.monotonic() - begun < _SECONDS and not live.is_over:
        if not live.poll() or live.snapshot is None:
            time.sleep(0.02)
            continue
        last = time.monotonic()
        first = first or last
        snapshots.append(live.snapshot.seconds)
        started = time.perf_counter()
        live.lines(frame)
        drawings.append(time.perf_counter() - started)
    between = last - first
    # The last look belongs to the time that comes after it.
    spent = sum(snapshots[1:]) + sum(drawings[:-1])
    share = spent / between if between else float("nan")
    count = max(1, len(snapshots))
    return Cost(len(snapshots), sum(snapshots) / count, sum(drawings) / count, share)


def measure(words: str, wanted: Benchmark) -> Iterator[tuple[str, Cost]]:
    """Every view of a lecture, one after another, each beside a run of its own."""
    with tempfile.TemporaryDirectory() as place:
        for name in settings_of(words, wanted.data_dir, place).lecture.views:
            control = Control()
            settings = settings_of(words, wanted.data_dir, place)
            session = start_run(settings, control, lambda progress: None)
            thread = threading.Thread(target=session.train, args=(control, []))
            thread.start()
            time.sleep(0.5)
            live = LiveView(load_view(name), control)
            cost = looked_at(live, Frame(wanted.columns, wanted.rows))
            control.stop()
            thread.join()
            yield name, cost


def hidden() -> float:
    """Seconds a step that the loop asks whether anybody wants anything."""
    control, count = Control(), 1_000_000
    begun = time.perf_counter()
    for _ in range(count):
        if control.attention:
            raise AssertionError("nobody asked")
    return (time.perf_counter() - begun) / count


def main(wanted: Benchmark) -> None:
    """Measure, and print a table."""
    print(f"hidden: {1e9 * hidden():.0f} ns a step")
    print(f"{'lecture':<22}{'view':<20}{'looks':>6}{'snapshot':>12}{'drawing':>12}{'share':>9}")
    for words in wanted.lectures:
        for name, cost in measure(words, wanted):
            print(
                f"{words:<22}{name:<20}{cost.looks:>6}{1000 * cost.snapshot:>9.1f} ms"
                f"{1000 * cost.drawing:>9.1f} ms{100 * cost.share:>7.1f} %",
                flush=True,
            )


if __name__ == "__main__":
    main(tyro.cli(Benchmark))
