"""Prints the result of a run, and the table of a sweep's runs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tui_app.runs.event_text import outcome_text
from tui_app.runs.events import RunCompleted
from tui_app.runs.listing import as_argument, short_ids
from tui_app.runs.run_folder import RunFolder
from tui_app.terminal.printing import print_list
from tui_app.text.columns import Column
from tui_app.text.escaping import printable
from tui_app.text.quantities import format_number, format_seconds, format_value
from tui_app.training.session import Session

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
