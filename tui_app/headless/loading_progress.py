"""Shows in a terminal how far the loading of data is, before a run trains."""

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

#: Seconds that a step takes before its bar appears: most are over sooner.
_BAR_AFTER = 0.3

#: Seconds before the first line of a step that only reads, and between two lines of any step.
_LINE_AFTER = 2.0
_BETWEEN_LINES = 10.0


@contextmanager
def console_reporter(*, quiet: bool = False) -> Iterator[ProgressReporter]:
    """What a command that reads data passes on, to show on stderr how far that is."""
    console = stderr_console()
    console.quiet = quiet
    with show_loading(console) as on_progress:
        yield ProgressReporter(on_progress)


def _detail(progress: LoadingProgress) -> str:
    source = f" from {progress.mirror}" if progress.mirror else ""
    return f"{loading_detail(progress)}{source}"


@contextmanager
def show_loading(console: Console) -> Iterator[OnProgress]:
    """A bar for the step under way on a terminal that can move its cursor, else a line at times."""
    if not console.is_terminal or console.is_dumb_terminal or console.quiet:
        yield _Lines(console)
        return
    bar = _Bar(console)
    try:
        yield bar
    finally:
        bar.stop()


class NarrowProgress(Progress):
    """A bar that leaves the last columns free.

    The `^C` that a terminal shows behind a full line would go to the next one, and the bar would
    be left there when it is taken away.
    """

    def get_renderable(self) -> RenderableType:
        """The bar, three columns narrower than the terminal."""
        return _Narrower(super().get_renderable())


class _Narrower:
    def __init__(self, shown: RenderableType) -> None:
        self._shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from console.render(self._shown, options.update_width(max(1, options.max_width - 3)))


class _Lines:
    """A line when a step begins to take long, and every ten seconds of it."""

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
    """A bar for the step under way, once that takes longer than a moment."""

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
        """Take the step's bar away."""
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None

    def stop(self) -> None:
        """Leave the terminal as it was."""
        if self._bar.live.is_started:  # else its end would be an empty line
            self._bar.stop()
