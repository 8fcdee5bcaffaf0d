"""`tutorch study NAME`: shows a study: its best trial, its trials, and which settings matter."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import tyro
from rich.text import Text

from datasets.own.names import short_name
from tui_app.commands.arguments import JsonArguments, parse, runs_dir
from tui_app.runs.listing import as_argument, short_ids
from tui_app.runs.run_folder import RunFolder
from tui_app.search.record import chosen_on_text
from tui_app.search.summary import StudySummary, TrialSummary, read_study
from tui_app.terminal.printing import print_json, print_list, print_table, stderr_console
from tui_app.text.columns import Column
from tui_app.text.escaping import printable
from tui_app.text.quantities import format_number, format_value, short_number


@dataclass(kw_only=True)
class Study(JsonArguments):
    """Show a study: the best trial, all trials with their values so far, and which settings
    matter most.
    """

    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME")]
    """The study's name: `tutorch studies` lists them."""

    storage: str = ""
    """The URL that `tutorch search --storage` was given; the default is the runs folder, or what
    the variable TUTORCH_STORAGE says."""


def main(argv: Sequence[str]) -> int:
    """Print the study."""
    arguments, given = parse(Study, argv, "runs_dir")
    storage = arguments.storage or os.environ.get("TUTORCH_STORAGE", "")
    study = read_study(arguments.name, runs_dir(given), storage)
    if arguments.json:
        print_json(as_plain(study))
        return 0
    print_table(["", ""], _facts(study))
    if study.trials:
        sys.stdout.write("\n")
        print_list(*_trials(study))
    for line in _next_commands(study):
        stderr_console().print(Text(printable(line)), soft_wrap=True)
    return 0


def as_plain(study: StudySummary) -> dict[str, Any]:
    """The study as JSON can hold it."""
    values = asdict(study)
    del values["argument"]
    values["settings"] = {name: str(variation) for name, variation in study.settings.items()}
    for trial, plain in zip(study.trials, values["trials"], strict=True):
        plain["run"] = str(trial.run) if trial.run is not None else None
    values["best"] = study.best.number if study.best is not None else None
    values["state"] = study.state
    return values


def _facts(study: StudySummary) -> list[list[str]]:
    best = study.best
    rows = [
        ["study", study.name],
        ["state", f"{study.state}: {study.progress}"],
        ["lecture", study.lecture],
        ["data", short_name(study.dataset)],
    ]
    if best is not None:
        value = format_value(study.metric, best.metric_value)
        rows.append(["best", f"{value}, trial {best.number}"])
    rows.append(["best chosen on", chosen_on_text(study.chosen_on)])
    rows += [[name, _setting(study, name)] for name in study.settings]
    rows += [[name, text] for name, text in study.fixed.items()]
    rows += [["pruner", study.pruner], ["storage", study.storage]]
    return rows


def _setting(study: StudySummary, name: str) -> str:
    """What a setting varies over, its best value and its importance."""
    parts = [str(study.settings[name])]
    if study.best is not None and name in study.best.values:
        parts.append(f"best {short_number(study.best.values[name])}")
    if study.importance is not None and name in study.importance:
        parts.append(f"importance {100 * study.importance[name]:.0f} %")
    return ", ".join(parts)


def _trials(study: StudySummary) -> tuple[list[Column], list[list[str]]]:
    """The table of the trials, in the order of their numbers."""
    columns = [
        Column("trial", importance=9, right=True),
        Column("id", importance=7),
        *(Column(name.replace("_", " "), importance=6) for name in study.settings),
        Column(study.metric.replace("_", " "), importance=8, right=True),
        Column("epoch", importance=4, right=True),
        Column("state", importance=5),
        Column("why", importance=1, least=12),
    ]
    ids = _ids(study.trials)
    rows = []
    for trial in study.trials:
        value = trial.metric_value
        is_best = trial is study.best
        rows.append(
            [
                f"{'* ' if is_best else ''}{trial.number}",
                ids.get(trial.number, "-"),
                *(short_number(trial.values.get(name, "-")) for name in study.settings),
                "-" if value is None else format_number(study.metric, value),
                f"{trial.epoch}/{trial.epochs}",
                trial.state,
                trial.reason,
            ]
        )
    return columns, rows


def _ids(trials: Sequence[TrialSummary]) -> dict[int, str]:
    """The short name of each trial's run, by the trial's number."""
    runs = [(trial.number, RunFolder(trial.run)) for trial in trials if trial.run is not None]
    names = short_ids([folder for _, folder in runs])
    return {number: name for (number, _), name in zip(runs, names, strict=True)}


def _next_commands(study: StudySummary) -> list[str]:
    """What the user may do next, as after a run: a command a line."""
    lines = []
    best = study.best
    if best is not None and best.run is not None:
        run = as_argument(RunFolder(best.run))
        lines.append(f"show    tutorch show {run}")
        lines.append(f"extend  tutorch resume {run} --epochs {2 * best.epochs}")
    if study.is_unfinished:
        lines.append(f"go on   tutorch search --study {study.argument}")
    return lines
