"""Prints a search: a line for each trial that ends, and at the end the best one."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from datasets.own.names import short_name
from tui_app.headless.console_output import BarAndLines
from tui_app.runs.events import Event
from tui_app.runs.listing import as_argument
from tui_app.runs.metrics.metrics_codec import Record
from tui_app.runs.run_folder import RunFolder
from tui_app.search.record import chosen_on_text
from tui_app.search.summary import StudySummary
from tui_app.terminal.streams import data_stream
from tui_app.text.escaping import printable
from tui_app.text.quantities import counted, format_seconds, format_value, short_number


class Silent:
    """Prints nothing of a run: its log.txt has it all."""

    def __enter__(self) -> None: ...
    def __exit__(self, *exception: object) -> None: ...

    def __call__(self, event: Record) -> None:
        """Print nothing."""


class TrialBar(BarAndLines):
    """A bar for the trial that trains here; its lines stand in its log.txt."""

    def __init__(self, console: Console, number: int) -> None:
        super().__init__(console)
        self._number = number

    def _print(self, event: Event) -> None: ...

    def _move(self, epoch: int, step: int, loss: float | None) -> None:
        super()._move(epoch, step, loss)
        text = f"trial {self._number}, epoch {epoch}/{self._epochs}"
        self._bar.update(self._task, description=text)


def settings_text(settings: Mapping[str, str]) -> str:
    """The settings of a trial in a line: `lr 0.0123, momentum 0.4`."""
    parts = (f"{name.replace('_', ' ')} {short_number(text)}" for name, text in settings.items())
    return ", ".join(parts)


class TrialLines:
    """Prints how trials ended: JSON lines on stdout, or text on the console."""

    def __init__(self, console: Console, metric: str, *, higher: bool, as_json: bool) -> None:
        self._console = console
        self._metric = metric
        self._higher = higher
        self._as_json = as_json
        self._best: float | None = None

    def start_with(self, summary: StudySummary) -> None:
        """Know the best value of the study so far."""
        self._best = summary.best.metric_value if summary.best else None

    def __call__(self, ended: Mapping[str, Any]) -> None:
        """Print a trial, as `TrialEnded.as_plain` describes it."""
        if self._as_json:
            data_stream().write(json.dumps(ended, ensure_ascii=False) + "\n")
            data_stream().flush()
            return
        self._console.print(Text(printable(self._line(ended))), soft_wrap=True)

    def _line(self, ended: Mapping[str, Any]) -> str:
        value = ended["value"]
        parts = [f"trial {ended['number']:<3}"]
        if ended["state"] == "completed":
            parts.append(format_value(self._metric, value))
        else:
            parts.append(str(ended["reason"]).partition("\n")[0].partition(". ")[0])
        texts = settings_text(ended["settings"])
        parts.append(f"{texts} ({format_seconds(ended['seconds'])})")
        if ended["state"] == "completed" and self._is_best(value):
            parts.append("best so far")
        return "  ".join(parts)

    def _is_best(self, value: float) -> bool:
        best = self._best
        is_best = best is None or (value > best if self._higher else value < best)
        if is_best:
            self._best = value
        return is_best


def print_beginning(console: Console, summary: StudySummary) -> None:
    """Print what is searched, and what the trials are compared by."""
    varied = ", ".join(f"{name} {variation}" for name, variation in summary.settings.items())
    chosen = f"{summary.metric.replace('_', ' ')} on {chosen_on_text(summary.chosen_on)}"
    lines = [
        f"study {summary.name}: {summary.lecture} on {short_name(summary.dataset)}, "
        f"{counted(summary.total, 'trial')}",
        f"varies: {varied}",
        f"the best trial is chosen by {chosen}",
    ]
    if summary.chosen_on == "test":
        lines.append("(a search with --validation 0.1 holds out a part of the train set for it)")
    if summary.trials:
        lines.append(f"it goes on: {summary.progress}")
    for line in lines:
        console.print(Text(printable(line)), soft_wrap=True)


def print_search_result(console: Console, summary: StudySummary) -> None:
    """Print the best trial and what to do next; on stdout, the path of its run folder."""
    best, study = summary.best, summary.argument
    lines = [f"study {summary.name}: {summary.progress}"]
    if best is not None and best.metric_value is not None:
        value = format_value(summary.metric, best.metric_value)
        lines.append(f"best    trial {best.number}, {value}, {settings_text(best.values)}")
        lines += [f"        on {chosen_on_text(summary.chosen_on)}"]
    if best is not None and best.run is not None:
        run = as_argument(RunFolder(best.run))
        lines.append(f"show    tutorch show {run}")
        lines.append(f"extend  tutorch resume {run} --epochs {2 * best.epochs}")
    lines.append(f"study   tutorch study {study}")
    if summary.is_unfinished:
        lines.append(f"go on   tutorch search --study {study}")
    for line in lines:
        console.print(Text(printable(line)), soft_wrap=True)
    if best is not None and best.run is not None:
        path = str(best.run)
        sys.stdout.write(f"{printable(path) if sys.stdout.isatty() else path}\n")
        sys.stdout.flush()
