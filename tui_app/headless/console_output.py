"""Prints the events of a run: as JSON, as lines, or as lines above a progress bar."""

from __future__ import annotations

import math
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from tui_app.headless.loading_progress import NarrowProgress
from tui_app.runs.event_text import chosen_events, describe_event
from tui_app.runs.events import (
    CheckpointSaved,
    Event,
    RunCompleted,
    RunStarted,
    StepsCompleted,
)
from tui_app.runs.metrics.metrics_codec import Record, encode, unpack
from tui_app.runs.metrics.packed_epochs import PackedEpochs
from tui_app.text.escaping import printable

#: Lines printed at most for the epochs of a run: of 1000 epochs, every tenth.
_EPOCH_LINES = 100


class EventPrinter(Protocol):
    """A listener that prints, and a context that begins and ends with the run."""

    def __call__(self, event: Record) -> None:
        """Print the event, or those of packed epochs."""
        ...

    def __enter__(self) -> object: ...
    def __exit__(self, *exception: object) -> None: ...


class JsonLines:
    """Writes every event as a line of JSON."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __enter__(self) -> None: ...
    def __exit__(self, *exception: object) -> None: ...

    def __call__(self, event: Record) -> None:
        """Write the event, or the events of packed epochs."""
        for each in unpack(event):
            self._stream.write(encode(each) + "\n")
        self._stream.flush()


class PlainLines:
    """Prints a line for each epoch and for other events that a user needs to know."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._every = 1
        self._epochs = 0

    def __enter__(self) -> None: ...
    def __exit__(self, *exception: object) -> None: ...

    def __call__(self, event: Record) -> None:
        """Print the event, if it has a line; of packed epochs, those that have one."""
        if isinstance(event, RunStarted):
            self._epochs = event.epochs
            self._every = max(1, event.epochs // _EPOCH_LINES)
        for each in chosen_events(event, self._is_shown):
            self._print(each)

    def _print(self, event: Event) -> None:
        if isinstance(event, CheckpointSaved | RunCompleted):  # the result has these
            return
        text = describe_event(event)
        if text is not None:
            self._console.print(Text(printable(text)))

    def _is_shown(self, epoch: int) -> bool:
        return epoch % self._every == 0 or epoch in (1, self._epochs)


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

    def __call__(self, event: Record) -> None:
        """Print the event and move the bar."""
        super().__call__(event)
        if isinstance(event, RunStarted):
            total = event.epochs * event.steps_per_epoch
            self._bar.update(self._task, total=total, completed=event.step)
        elif isinstance(event, StepsCompleted):
            last_step = event.first_step + len(event.losses) - 1
            self._move(event.epoch, last_step, event.losses[-1])
        elif isinstance(event, PackedEpochs):
            self._move(event.last_epoch, event.last_step, event.losses[-1])

    def _move(self, epoch: int, step: int, loss: float | None) -> None:
        self._bar.update(
            self._task,
            completed=step,
            description=f"epoch {epoch}/{self._epochs}",
            loss=f"loss {math.nan if loss is None else loss:#.4g}",
        )


def console_printer(console: Console) -> PlainLines:
    """Return a printer with a bar for a terminal that can move its cursor, else without."""
    can_move = console.is_terminal and not console.is_dumb_terminal and not console.quiet
    return BarAndLines(console) if can_move else PlainLines(console)
