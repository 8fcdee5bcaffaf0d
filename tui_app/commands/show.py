"""`tutorch show RUN`: prints one run from its folder, or draws a view of its model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Annotated

import tyro

from datasets.own.columns import listed
from models.fields import InvalidValue, setting_text
from tui_app.commands.arguments import RunArguments, parse, requested_run
from tui_app.commands.show_view import show_view
from tui_app.runs.errors import DamagedRun
from tui_app.runs.events import EpochCompleted, ThreadsChanged
from tui_app.runs.job_record import read_job
from tui_app.runs.jobs.job_states import with_job_states
from tui_app.runs.listing import RunSummary, summarise
from tui_app.runs.metrics.metrics_codec import to_plain
from tui_app.runs.metrics.metrics_file import last_event, read_events, read_events_backwards
from tui_app.runs.run_data import DataRecord, read_data_record
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_record import RunRecord
from tui_app.runs.run_source import source_properties
from tui_app.runs.settings.run_options import TABLE_OPTIONS
from tui_app.terminal.printing import (
    print_json,
    print_json_list,
    print_list,
    print_table,
    print_to_stderr,
)
from tui_app.text.columns import Column
from tui_app.text.quantities import counted, format_number, format_seconds, format_value

#: Epochs printed at most; of more, the first and the last ones.
_EPOCHS = 40


@dataclass(kw_only=True)
class Show(RunArguments):
    """Show a run: its settings, its epochs, its best model, or a view of what it learned."""

    views: tyro.conf.FlagCreatePairsOff[bool] = False
    """List the views that this run has."""

    view: str = ""
    """Draw this view of what it learned."""

    at: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """The sample, step or layer to show in a view that has several, from 1."""

    ask: str = ""
    """The input of a view that takes one, such as a name."""

    svg: str = ""
    """Save the view as an SVG picture in this file."""

    size: str = ""
    """Columns and rows of a view, such as 120x36; the default is the terminal's size."""

    ascii: tyro.conf.FlagCreatePairsOff[bool] = False
    """Draw a view in ASCII."""


def main(argv: Sequence[str]) -> int:
    """Print the run."""
    arguments, given = parse(Show, argv, "runs_dir", "device", "data_dir")
    folder = requested_run(arguments, given)
    if arguments.views or arguments.view:
        return show_view(arguments, folder, given)
    for name in ("svg", "at", "ask", "size", "ascii"):
        if getattr(arguments, name):
            raise InvalidValue(
                f"--{name} applies to a view: choose one with --view; --views lists them"
            )
    summary = _summarise(folder)
    if not summary.has_begun:
        return _show_submitted(summary, folder, is_json=arguments.json)
    record = folder.read_record()
    epochs = read_events(folder.metrics, EpochCompleted, on_skipped=print_to_stderr)
    kept = _kept_data(folder)
    if arguments.json:
        facts = {**asdict(summary), "record": record.values, "data": kept and kept.plain}
        last = last_event(folder.metrics, ThreadsChanged)
        facts["threads"] = last.threads if last else record.threads
        print_json_list(facts, "epoch_values", map(to_plain, epochs))
        return 0
    print_table(["", ""], _facts(summary, record, folder, kept))
    first = list(islice(epochs, _EPOCHS + 1))
    if len(first) > _EPOCHS:
        last = list(islice(read_events_backwards(folder.metrics, EpochCompleted), _EPOCHS // 2))
        first = first[: _EPOCHS // 2] + last[::-1]
    if first:
        _print_epochs(first)
    return 0


def _summarise(folder: RunFolder) -> RunSummary:
    """Return the run's summary, with the state of its job. Raises DamagedRun."""
    summary = summarise(folder)
    if summary.problem:
        raise DamagedRun(summary.problem)
    return with_job_states([summary])[0]


def _show_submitted(run: RunSummary, folder: RunFolder, *, is_json: bool) -> int:
    """Print a run that its job hasn't begun."""
    if is_json:
        print_json({**asdict(run), "record": None, "data": None, "epoch_values": []})
        return 0
    rows = [["run", run.name], ["state", _state(run)], *_job(folder), ["data", run.dataset]]
    print_table(["", ""], [*rows, ["folder", str(folder.path)]])
    return 0


def _state(run: RunSummary) -> str:
    if run.reason and run.reason.startswith(run.shown_state):
        return run.reason
    return ": ".join(filter(None, (run.state, run.reason)))


def _job(folder: RunFolder) -> list[list[str]]:
    """Return a row that says which job trains the run, if any does."""
    with suppress(DamagedRun):
        if (job := read_job(folder)) is not None:
            at = time.strftime("%Y-%m-%d %H:%M", time.localtime(job.submitted))
            cluster = f" of {job.cluster}" if job.cluster else ""
            return [["job", f"{job.job_id}{cluster}, submitted {at}; job.log has its output"]]
    return []


def _kept_data(folder: RunFolder) -> DataRecord | None:
    """Return what the run keeps of its data; None if that is damaged."""
    with suppress(DamagedRun):
        return read_data_record(folder)
    return None


def _facts(
    run: RunSummary, record: RunRecord, folder: RunFolder, kept: DataRecord | None
) -> list[list[str]]:
    rows = [["run", run.name], ["state", _state(run)], *_job(folder), ["data", run.dataset]]
    chosen_columns = ((name, record.options.get(name)) for name in TABLE_OPTIONS)
    rows += [[name, str(value)] for name, value in chosen_columns if value]
    if kept is not None:
        rows += [["classes", listed(kept.classes, 10)]] if kept.classes else []
        rows.append(["input", kept.input_help])
    if run.best_value is not None:
        value = format_value(run.metric, run.best_value)
        rows.append(["best", f"{value} at epoch {run.best_epoch}"])
    chosen = {"test": "the test set, as the course does it", "train": "the train set"}
    split = chosen.get(record.chosen_on, "a part held out of the train set")
    rows.append(["best chosen on", split])
    rows.append(["trained on", f"{record.devices_text}, {_threads(record, folder)}"])
    rows += [[name, setting_text(value)] for name, value in record.hyperparameters.items()]
    rows += [list(fact) for fact in source_properties(folder, record)]
    return [*rows, ["folder", str(folder.path)]]


def _threads(record: RunRecord, folder: RunFolder) -> str:
    """Return the run's number of threads, and the last change of it."""
    last = last_event(folder.metrics, ThreadsChanged)
    began = counted(record.threads, "thread")
    if last is None:
        return began
    return f"{counted(last.threads, 'thread')} since step {last.first_step}, {began} at first"


def _print_epochs(epochs: list[EpochCompleted]) -> None:
    names = list(epochs[-1].values)
    rows = [
        [
            str(epoch.epoch),
            *(format_number(n, epoch.values[n]) if n in epoch.values else "-" for n in names),
            f"{epoch.lr:g}",
            format_seconds(epoch.seconds),
        ]
        for epoch in epochs
    ]
    titles = ["epoch", *(name.replace("_", " ") for name in names), "lr", "time"]
    importance = {"epoch": 9, "lr": 1, "time": 0}
    columns = [Column(title, importance.get(title, 5), right=True) for title in titles]
    print_list(columns, rows)
