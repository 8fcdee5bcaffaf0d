"""`tutorch runs`: lists the run folders."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from datasets.own.names import short_name
from tui_app.commands.arguments import JsonArguments, parse, runs_dir
from tui_app.runs.jobs.job_states import with_job_states
from tui_app.runs.listing import RunSummary, as_argument, run_folders, short_ids, summarise
from tui_app.runs.origins import origins
from tui_app.runs.run_folder import RunFolder
from tui_app.terminal.printing import print_json, print_list, print_to_stderr
from tui_app.text.columns import Column
from tui_app.text.quantities import format_number, short_count

_COLUMNS = (
    Column("id", importance=9),
    Column("lecture", importance=7, least=26),
    Column("data", importance=4, least=13),
    Column("epochs", importance=5, right=True),
    Column("best", importance=8, right=True),
    Column("state", importance=6),
    Column("devices", importance=3, right=True),
    Column("started", importance=3),
    Column("best by", importance=2),
    Column("at epoch", importance=1, right=True),
)


@dataclass(kw_only=True)
class Runs(JsonArguments):
    """List the runs, the newest last."""


def main(argv: Sequence[str]) -> int:
    """Print the runs."""
    arguments, given = parse(Runs, argv, "runs_dir")
    folder = runs_dir(given)
    folders = run_folders(folder)
    ids, summaries = short_ids(folders), with_job_states([summarise(run) for run in folders])
    named = list(zip(ids, summaries, strict=True))
    places = origins(summaries)
    if arguments.json:
        print_json([{"id": id_, **asdict(summary)} for id_, summary in named])
    elif summaries:
        _print_table([_row(*each, place) for each, place in zip(named, places, strict=True)])
    for id_, summary in named:
        if summary.problem:
            print_to_stderr(summary.problem)
        if summary.state == "crashed":
            run = as_argument(RunFolder(Path(summary.path)), id_)
            print_to_stderr(f"{id_} crashed: `tutorch resume {run}` continues it")
    if not summaries and not arguments.json:
        print_to_stderr(f"no runs in {folder.absolute()} yet: `tutorch --no-tui` trains one")
    return 0


def _print_table(rows: list[list[str]]) -> None:
    """Print the rows, with the number of devices if a run has several."""
    place = [column.title for column in _COLUMNS].index("devices")
    is_shown = any(row[place] != "1" for row in rows)
    places = [at for at in range(len(_COLUMNS)) if is_shown or at != place]
    print_list([_COLUMNS[at] for at in places], [[row[at] for at in places] for row in rows])


def _row(id_: str, run: RunSummary, origin: str) -> list[str]:
    has_best = run.best_value is not None
    lecture = (run.lecture or Path(run.path).parent.name).removeprefix("lecture_")
    return [
        id_,
        f"{lecture} ({origin})" if origin else lecture,
        short_name(run.dataset) or "-",
        f"{_count(run.epoch)}/{_count(run.epochs)}" if run.epochs else "-",
        format_number(run.metric, run.best_value) if has_best else "-",
        run.state_text,
        str(run.devices),
        time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created)) if run.created else "-",
        run.metric.replace("_", " ") if has_best else "-",
        str(run.best_epoch or "-") if has_best else "-",
    ]


def _count(epochs: int) -> str:
    return short_count(epochs, exact_below=1_000_000)
