"""Arguments and checks that several commands share."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from models.fields import fields_of
from tui_app.commands.option_parser import parse_options
from tui_app.commands.trust_prompt import load_trusted, trust_run
from tui_app.monitoring.lecture_thread import import_watched
from tui_app.runs.listing import find_run
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings.configuration import configured_values, refuse_unknown, refused_settings
from tui_app.runs.settings.recorded_settings import read_settings, settings_to_resume
from tui_app.runs.settings.run_options import RunOptions
from tui_app.terminal.printing import print_to_stderr

if TYPE_CHECKING:
    from tui_app.inspection.probe_context import ProbeContext
    from tui_app.inspection.saved_model import SavedModel
    from tui_app.runs.run_record import RunRecord
    from tui_app.runs.run_source import SourceChoice
    from tui_app.runs.settings.run_settings import RunSettings

#: The app has about 20 files open, a run 15.
FEWEST_FILES = 32


@dataclass(kw_only=True)
class JsonArguments:
    """The arguments of a command that can print JSON."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON document."""


@dataclass(kw_only=True)
class RunArguments(JsonArguments):
    """The arguments of a command about one run."""

    run: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="RUN")]
    """The run: its id in `tutorch runs`, a path, a unique part of its name, or `last`."""

    trust: tyro.conf.FlagCreatePairsOff[bool] = False
    """Trust the run's code if it isn't tutorch's: it runs, now and until it changes."""


def refuse_few_open_files() -> None:
    """Raise OSError if a process may open fewer files than training needs."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= limit < FEWEST_FILES:
        raise OSError(
            errno.EMFILE,
            f"`ulimit -n` allows {limit} open files, tutorch needs {FEWEST_FILES} to train",
        )


def parse(schema: type, argv: Sequence[str], *options: str) -> tuple[Any, dict[str, Any]]:
    """Return the command's arguments, and the run `options` that were given or configured."""
    parsed, given = parse_command_line(schema, argv, *options)
    if not options:
        return parsed, given
    values = configured_options(*options) | given
    for sentence in refused_settings(set(options) - set(given)):
        print_to_stderr(sentence)
    return parsed, values


def parse_command_line(
    schema: type, argv: Sequence[str], *options: str
) -> tuple[Any, dict[str, Any]]:
    """Return the command's arguments, and the run `options` given on the command line."""
    command = schema.__name__.lower()
    fields = {name: fields_of(RunOptions)[name] for name in options}
    return parse_options(schema, fields, argv, f"tutorch {command}", schema.__doc__ or command)


def configured_options(*options: str) -> dict[str, Any]:
    """Return the run `options` that a TUTORCH_* variable or tutorch.toml sets.

    Raises InvalidValue for a wrong or unknown setting there.
    """
    refuse_unknown()
    return configured_values({name: fields_of(RunOptions)[name] for name in options})


def runs_dir(given: Mapping[str, Any]) -> Path:
    """Return the folder of all runs."""
    return Path(given.get("runs_dir", fields_of(RunOptions)["runs_dir"].default))


def import_lecture(
    folder: RunFolder, use: SourceChoice | None = "kept", record: RunRecord | None = None
) -> RunSettings:
    """Import the lecture of a run, if the user trusts it, and return the run's settings.

    An import that doesn't return is reported on stderr with the line of the user's file. Without a
    `use` a changed source is refused. `record` is the run's run.json, if it was read already.
    """

    def load() -> RunSettings:
        with import_watched():
            if use:
                return read_settings(folder, use, record)
            return settings_to_resume(folder, record or folder.read_record(), use)

    return load_trusted(load)


def print_source_note(settings: RunSettings) -> None:
    """Print a note if the lecture's file has changed since the run was trained."""
    if settings.note:
        print_to_stderr(settings.note)


def print_data_note(of: SavedModel | ProbeContext) -> None:
    """Print a note if the run's data have changed."""
    if of.data_note:
        print_to_stderr(of.data_note)


def requested_run(
    arguments: RunArguments, given: Mapping[str, Any], use: SourceChoice | None = None
) -> RunFolder:
    """Return the run that the arguments name. Raises UnknownRun.

    With `--trust`, the code that the command uses of it is trusted.
    """
    folder = find_run(arguments.run, runs_dir(given))
    if arguments.trust:
        trust_run(folder, use)
    return folder
