"""`tutorch data [list|fetch NAME|verify]`: lists, downloads and checks data sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from datasets import Dataset, dataset_names, get_dataset
from datasets.fetching.availability import availability
from datasets.fetching.fetch import cache_dir, locate, verify
from datasets.reading.progress import ProgressReporter
from models.fields import InvalidValue
from tui_app.commands.arguments import JsonArguments, parse
from tui_app.headless.loading_progress import show_loading
from tui_app.runs.exit_codes import ExitCode
from tui_app.terminal.printing import (
    print_json,
    print_list,
    print_table,
    print_to_stderr,
    stderr_console,
)
from tui_app.text.columns import Column
from tui_app.training.steering.control import Control

_COLUMNS = (
    Column("name", importance=9),
    Column("title", importance=7, least=30),
    Column("state", importance=8),
    Column("", importance=1, least=40),
)


@dataclass(kw_only=True)
class Data(JsonArguments):
    """List the data sets, fetch one, or verify the files on disk."""

    action: tyro.conf.Positional[Literal["list", "fetch", "verify"]] = "list"
    """What to do."""

    names: tyro.conf.Positional[tuple[str, ...]] = ()
    """The data sets; all of them by default, but fetch needs at least one."""


def main(argv: Sequence[str]) -> int:
    """Do the action and return the exit code."""
    arguments, given = parse(Data, argv, "data_dir")
    data_dir = Path(given["data_dir"]) if given.get("data_dir") else None
    chosen = [get_dataset(name) for name in arguments.names or dataset_names()]
    if arguments.action == "fetch":
        if not arguments.names:
            raise InvalidValue("data fetch needs the name of a data set: `tutorch data` lists them")
        return _fetch(chosen, data_dir, as_json=arguments.json)
    if arguments.action == "verify":
        return _verify(chosen, data_dir, as_json=arguments.json)
    return _list(chosen, data_dir, as_json=arguments.json)


def _list(datasets: Sequence[Dataset], data_dir: Path | None, *, as_json: bool) -> int:
    states = {dataset.name: availability(dataset, data_dir) for dataset in datasets}
    if as_json:
        print_json([{"name": d.name, "title": d.title, "state": states[d.name]} for d in datasets])
    else:
        rows = [[d.name, d.title, states[d.name], d.description] for d in datasets]
        print_list(_COLUMNS, rows)
        stderr_console().print(f"fetched files are kept in {cache_dir()}")
    return ExitCode.DONE


@contextmanager
def _reporter(*, quiet: bool) -> Iterator[ProgressReporter]:
    """Show the progress of reading files, and stop on Ctrl-C and TERM."""
    from tui_app.headless.run_terminal import RunTerminal  # puts off torch
    from tui_app.headless.signal_handling import stop_on_signals

    control, console = Control(), stderr_console()
    console.quiet = quiet
    with (
        stop_on_signals(control, RunTerminal(console), keep=False),
        show_loading(console) as on_progress,
    ):
        yield ProgressReporter(on_progress, control.must_stop)


def _fetch(datasets: Sequence[Dataset], data_dir: Path | None, *, as_json: bool) -> int:
    found: dict[str, dict[str, str]] = {}
    with _reporter(quiet=as_json) as reporter:
        for dataset in datasets:
            paths = locate(dataset, data_dir, reporter)
            found[dataset.name] = {name: str(path) for name, path in paths.items()}
    if as_json:
        print_json(found)
    else:
        rows = [[name, path] for name, paths in found.items() for path in paths.values()]
        print_table(["data set", "file"], rows)
    return ExitCode.DONE


def _verdict(dataset: Dataset, data_dir: Path | None, wrong: Sequence[str]) -> str:
    if wrong:
        return "damaged"
    state = availability(dataset, data_dir)
    return "intact" if state == "on disk" else state


def _verify(datasets: Sequence[Dataset], data_dir: Path | None, *, as_json: bool) -> int:
    with _reporter(quiet=as_json) as reporter:
        wrong = {dataset.name: verify(dataset, data_dir, reporter) for dataset in datasets}
    states = {
        dataset.name: _verdict(dataset, data_dir, wrong[dataset.name]) for dataset in datasets
    }
    if as_json:
        print_json([{"name": name, "state": states[name], "wrong": wrong[name]} for name in states])
    else:
        print_table(["name", "state"], [[name, state] for name, state in states.items()])
    for sentence in (sentence for sentences in wrong.values() for sentence in sentences):
        print_to_stderr(sentence)
    return ExitCode.DATA_UNAVAILABLE if any(wrong.values()) else ExitCode.DONE
