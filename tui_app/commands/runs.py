"""`tutorch runs`: every run folder, a line each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tui_app.commands.arguments import Json, parse, runs_dir
from tui_app.terminal import complain, print_json, print_table
from tui_app.training.narrate import format_value
from tui_app.training.runs import RunSummary, run_folders, summarise


@dataclass(kw_only=True)
class Runs(Json):
    """List the runs, the newest last."""


def main(argv: Sequence[str]) -> int:
    """Print the list."""
    arguments, given = parse(Runs, argv, "runs_dir")
    folder = runs_dir(given)
    summaries = [summarise(run) for run in run_folders(folder)]
    if arguments.json:
        print_json([asdict(summary) for summary in summaries])
    elif summaries:
        columns = ["run", "data", "epochs", "best", "at", "state", "begun"]
        print_table(columns, [_row(summary) for summary in summaries], right=["epochs", "at"])
    for summary in summaries:
        if summary.problem:
            complain(summary.problem)
        if summary.state == "crashed":
            complain(f"{summary.name} broke off: `tutorch resume {summary.name}` goes on with it")
    if not summaries and not arguments.json:
        complain(f"there are no runs in {folder.absolute()} yet: `tutorch --no-tui` trains one")
    return 0


def _row(run: RunSummary) -> list[str]:
    best = "-" if run.best_value is None else format_value(run.metric, run.best_value)
    begun = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created)) if run.created else "-"
    epochs = f"{run.epoch}/{run.epochs}"
    return [run.name, run.dataset, epochs, best, str(run.best_epoch or "-"), run.state, begun]
