"""Prints the progress of loading data, before a run trains."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from datasets.reading.progress import Progress as LoadingProgress
from datasets.reading.progress import ProgressReporter
from tui_app.runs.event_text import loading_detail
from tui_app.terminal.printing import stderr_console
from tui_app.text.escaping import printable
from tui_app.training.session_request import OnProgress

#: Seconds until the bar of a loading step appears; most steps end sooner.
_BAR_AFTER = 0.3

#: Seconds until the first line of a step without downloads, and between two lines of any step.
_LINE_AFTER = 2.0
_BETWEEN_LINES = 10.0


@contextmanager
def console_reporter(*, quiet: bool = False) -> Iterator[ProgressReporter]:
    """Return a reporter that shows on stderr how much of the data is read."""
    console = stderr_console()
    console.quiet = quiet
    with show_loading(console) as on_progress:
        yield ProgressReporter(on_progress)


def _detail(progress: LoadingProgress) -> str:
    source = f" from {progress.mirror}" if progress.mirror else ""
    return f"{loading_detail(progress)}{source}"


@contextmanager
def show_loading(console: Console) -> Iterator[OnProgress]:
    """Show loading as a bar on a terminal that can move its cursor, else as occasional lines."""
    if not console.is_terminal or console.is_dumb_terminal or console.quiet:
        yield _Lines(console)
        return
    bar = _Bar(console)
    try:
        yield bar
    finally:
        bar.stop()


class NarrowProgress(Progress):
    """A progress bar that leaves the last columns free.

    On Ctrl-C a terminal prints `^C` after the bar. On a full line that would wrap, and part of the
    bar would stay when it is removed.
    """

    def get_renderable(self) -> RenderableType:
        """Return the bar, three columns narrower than the terminal."""
        return _Narrower(super().get_renderable())


class _Narrower:
    def __init__(self, shown: RenderableType) -> None:
        self._shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from console.render(self._shown, options.update_width(max(1, options.max_width - 3)))


class _Lines:
    """Prints a line when a step takes long, and another every ten seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._step = ""
        self._next = 0.0

    def __call__(self, progress: LoadingProgress) -> None:
        now = time.monotonic()
        if progress.step != self._step:
            self._step = progress.step
            self._next = now if progress.mirror else now + _LINE_AFTER
        if now < self._next:
            return
        self._next = now + _BETWEEN_LINES
        self._console.print(Text(printable(f"{progress.step}: {_detail(progress)}")))


class _Bar:
    """Shows a bar for the current step, once it takes long."""

    def __init__(self, console: Console) -> None:
        self._bar = NarrowProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[detail]}", markup=False),
            console=console,
            transient=True,
        )
        self._step = ""
        self._began = 0.0
        self._task: TaskID | None = None

    def __call__(self, progress: LoadingProgress) -> None:
        now = time.monotonic()
        if progress.step != self._step:
            self.remove()
            self._step, self._began = progress.step, now
        if self._task is None:
            if now - self._began < _BAR_AFTER and not progress.mirror:
                return
            self._task = self._bar.add_task(printable(progress.step), total=None, detail="")
        self._bar.update(
            self._task,
            completed=progress.done,
            total=progress.total or None,
            detail=printable(_detail(progress)),
        )
        self._bar.start()

    def remove(self) -> None:
        """Remove the step's bar."""
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None

    def stop(self) -> None:
        """Remove the bar from the terminal."""
        if self._bar.live.is_started:  # else stopping would print an empty line
            self._bar.stop()
