"""Prints a run: its events as JSON, lines, or lines above a progress bar; then its result."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from tui_app.headless.loading_progress import NarrowProgress
from tui_app.runs.event_text import describe_event, outcome_text
from tui_app.runs.events import (
    CheckpointSaved,
    EpochCompleted,
    Event,
    RunCompleted,
    RunStarted,
    StepsCompleted,
)
from tui_app.runs.listing import as_argument, short_ids
from tui_app.runs.metrics_codec import encode
from tui_app.runs.run_folder import RunFolder
from tui_app.terminal.printing import print_list
from tui_app.text.columns import Column
from tui_app.text.escaping import printable
from tui_app.text.quantities import format_number, format_seconds, format_value
from tui_app.training.session import Session

#: Lines printed at most for the epochs of a run: of 1000 epochs, every tenth.
_EPOCH_LINES = 100


class EventPrinter(Protocol):
    """A listener that prints, and a context that begins and ends with the run."""

    def __call__(self, event: Event) -> None:
        """Print the event."""
        ...

    def __enter__(self) -> object: ...
    def __exit__(self, *exception: object) -> None: ...


class JsonLines:
    """Writes every event as a line of JSON."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __enter__(self) -> None: ...
    def __exit__(self, *exception: object) -> None: ...

    def __call__(self, event: Event) -> None:
        """Write the event."""
        self._stream.write(encode(event) + "\n")
        self._stream.flush()


class PlainLines:
    """Prints a line for each epoch and for other events that a user needs to know."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._every = 1
        self._epochs = 0

    def __enter__(self) -> None: ...
    def __exit__(self, *exception: object) -> None: ...

    def __call__(self, event: Event) -> None:
        """Print the event, if it has a line."""
        if isinstance(event, RunStarted):
            self._epochs = event.epochs
            self._every = max(1, event.epochs // _EPOCH_LINES)
        if isinstance(event, EpochCompleted) and self._is_skipped(event.epoch):
            return
        if isinstance(event, CheckpointSaved | RunCompleted):  # the result has these
            return
        text = describe_event(event)
        if text is not None:
            self._console.print(Text(printable(text)))

    def _is_skipped(self, epoch: int) -> bool:
        return epoch % self._every != 0 and epoch not in (1, self._epochs)


class BarAndLines(PlainLines):
    """Prints the lines above a bar that shows the step, the loss and the time left."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._bar = NarrowProgress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[loss]}"),
            console=console,
            transient=True,
            refresh_per_second=4,
        )
        self._task = self._bar.add_task("", total=None, loss="")

    def __enter__(self) -> None:
        self._bar.start()

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def __call__(self, event: Event) -> None:
        """Print the event and move the bar."""
        super().__call__(event)
        if isinstance(event, RunStarted):
            self._bar.update(
                self._task, total=event.epochs * event.steps_per_epoch, completed=event.step
            )
        elif isinstance(event, StepsCompleted):
            self._bar.update(
                self._task,
                completed=event.first_step + len(event.losses) - 1,
                description=f"epoch {event.epoch}/{self._epochs}",
                loss=f"loss {event.losses[-1]:#.4g}",
            )


def console_printer(console: Console) -> PlainLines:
    """Return a printer with a bar for a terminal that can move its cursor, else without."""
    can_move = console.is_terminal and not console.is_dumb_terminal and not console.quiet
    return BarAndLines(console) if can_move else PlainLines(console)


#: How the best model was chosen, by the split that it was measured on.
_CHOSEN = {
    "test": "chosen on the test set, as the course does it",
    "validation": "chosen on the part held out of the train set",
    "train": "measured on the train set: this data set has no other",
}


def print_result(console: Console, session: Session, completed: RunCompleted) -> None:
    """Print how the run ended and what to do next; on stdout, the path of its folder."""
    _print_summary(console, session, completed)
    path = str(session.folder.path)
    # A pipe gets the exact path, a terminal one without control codes.
    sys.stdout.write(f"{printable(path) if sys.stdout.isatty() else path}\n")
    sys.stdout.flush()


def _print_summary(console: Console, session: Session, completed: RunCompleted) -> None:
    training, run = session.training, as_argument(session.folder)
    lines = [f"{outcome_text(completed)} ({format_seconds(completed.seconds)})"]
    if completed.best_value is not None:
        value = format_value(completed.metric, completed.best_value)
        lines.append(f"best    {value} at epoch {completed.best_epoch}")
        lines.append(f"        {_CHOSEN[training.measured.name]}")
    if completed.values:
        values = ", ".join(format_value(name, value) for name, value in completed.values.items())
        lines.append(f"test    {values}, by the best model, once")
    if completed.state != "failed" and completed.epoch < training.epochs:
        lines.append(f"resume  tutorch resume {run}")
    elif completed.state == "completed":
        lines.append(f"extend  tutorch resume {run} --epochs {2 * training.epochs}")
    lines.append(f"show    tutorch show {run}")
    if completed.best_value is not None:
        lines.append(f"predict tutorch predict {run} INPUT")
    for line in lines:
        console.print(Text(printable(line)), soft_wrap=True)  # a command stays one line to copy


def print_sweep_results(
    rows: Sequence[tuple[Mapping[str, str], RunCompleted]], *, higher_is_better: bool
) -> None:
    """Print the table at the end of a sweep, best first; a run without a best model comes last.

    Each row has the settings in which the run differs from the others, by name.
    `higher_is_better` is the direction of the runs' metric.
    """
    metric = rows[0][1].metric

    def rank(row: tuple[Mapping[str, str], RunCompleted]) -> float:
        value = row[1].best_value
        return float("inf") if value is None else -value if higher_is_better else value

    settings = list(dict.fromkeys(name for apart, _ in rows for name in apart))
    columns = (
        Column("id", importance=9),
        *(Column(name.replace("_", " "), importance=7, least=8) for name in settings),
        Column("best", importance=8, right=True),
        Column("best by", importance=2),
        Column("at epoch", importance=4, right=True),
        Column("time", importance=3, right=True),
        Column("state", importance=5),
    )
    ranked = sorted(rows, key=rank)
    ids = short_ids([RunFolder(Path(done.run)) for _, done in ranked])
    cells = [
        [
            id_,
            *(apart.get(name, "") for name in settings),
            "-" if done.best_value is None else format_number(metric, done.best_value),
            metric.replace("_", " "),
            str(done.best_epoch or "-"),
            format_seconds(done.seconds),
            done.state,
        ]
        for id_, (apart, done) in zip(ids, ranked, strict=True)
    ]
    print_list(columns, cells)
