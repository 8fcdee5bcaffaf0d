"""Arguments that several commands share."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from models.fields import InvalidValue, fields_of
from tui_app.commands.option_parser import parse_options
from tui_app.runs.configuration import configured, refuse_unknown, refused_settings
from tui_app.runs.listing import find_run
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_options import RunOptions
from tui_app.terminal.printing import print_to_stderr

if TYPE_CHECKING:
    from tui_app.inspection.probe_context import ProbeContext
    from tui_app.inspection.saved_model import SavedModel
    from tui_app.runs.run_record import RunRecord
    from tui_app.runs.run_source import SourceChoice
    from tui_app.runs.settings import RunSettings

#: The app has about 20 files open, a run 15.
FEWEST_FILES = 32


@dataclass(kw_only=True)
class JsonArguments:
    """A command that can answer in JSON."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Answer as one JSON document."""


@dataclass(kw_only=True)
class RunArguments(JsonArguments):
    """A command about one run."""

    run: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="RUN")]
    """The run: its id in `tutorch runs`, a path, a unique part of its name, or `last`."""

    trust: tyro.conf.FlagCreatePairsOff[bool] = False
    """Trust the run's own code, where it isn't tutorch's: it runs, now and until it changes."""


def refuse_several_processes() -> None:
    """Raise InvalidValue where torchrun, or what is like it, has started more than one of us."""
    size = os.environ.get("WORLD_SIZE", "")
    if size.isdecimal() and int(size) > 1:
        raise InvalidValue(
            f"WORLD_SIZE is {int(size)}, as torchrun sets it: each process would train a run of "
            "its own. tutorch trains in one process until it can use several devices: start it "
            "without torchrun"
        )


def refuse_few_open_files() -> None:
    """Raise OSError where the system lets a process open fewer files than training takes."""
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
    """The command's arguments, and those of the run `options` that were given or configured."""
    parsed, given = parse_words(schema, argv, *options)
    if not options:
        return parsed, given
    values = configured_options(*options) | given
    for sentence in refused_settings(set(options) - set(given)):
        print_to_stderr(sentence)
    return parsed, values


def parse_words(schema: type, argv: Sequence[str], *options: str) -> tuple[Any, dict[str, Any]]:
    """The command's arguments, and those of the run `options` that were given."""
    command = schema.__name__.lower()
    fields = {name: fields_of(RunOptions)[name] for name in options}
    return parse_options(schema, fields, argv, f"tutorch {command}", schema.__doc__ or command)


def configured_options(*options: str) -> dict[str, Any]:
    """Those of the run `options` that are set outside the command line. Raises InvalidValue, for
    any setting there that is wrong or that there isn't.
    """
    refuse_unknown()
    return configured({name: fields_of(RunOptions)[name] for name in options})


def runs_dir(given: Mapping[str, Any]) -> Path:
    """Where the runs are."""
    return Path(given.get("runs_dir", fields_of(RunOptions)["runs_dir"].default))


def import_lecture(
    folder: RunFolder, use: SourceChoice | None = "kept", record: RunRecord | None = None
) -> RunSettings:
    """The settings of a run, with its lecture imported, once the user trusts it: where that doesn't
    come back, stderr says in which line of the user's file it is. Without a `use` a changed source
    is refused. `record` is the run's run.json, if it was read already.
    """
    from tui_app.commands.trust_prompt import load_trusted
    from tui_app.monitoring.lecture_thread import import_watched
    from tui_app.runs.run_settings import read_settings, settings_to_resume

    def load() -> RunSettings:
        with import_watched():
            if use:
                return read_settings(folder, use, record)
            return settings_to_resume(folder, record or folder.read_record(), use)

    return load_trusted(load)


def print_source_note(settings: RunSettings) -> None:
    """Say on stderr that the file of the run's lecture isn't what the run was trained with."""
    if settings.note:
        print_to_stderr(settings.note)


def print_data_note(of: SavedModel | ProbeContext) -> None:
    """Say on stderr what the user should know of the run's data as they are now."""
    if of.data_note:
        print_to_stderr(of.data_note)


def the_run(
    arguments: RunArguments, given: Mapping[str, Any], use: SourceChoice | None = None
) -> RunFolder:
    """The run that was asked for; with `--trust` its code is trusted, of the source that the
    command uses. Raises UnknownRun.
    """
    folder = find_run(arguments.run, runs_dir(given))
    if arguments.trust:
        from tui_app.commands.trust_prompt import trust_run

        trust_run(folder, use)
    return folder
