"""`tutorch [LECTURE] [options]`: trains a lecture, in the app or headless."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from datasets.reading.paths import user_path
from models.fields import Field, InvalidValue, fields_of
from models.lecture import Lecture
from models.loading.plain_net import find_plain_net, write_lecture_file
from tui_app.commands.arguments import refuse_few_open_files
from tui_app.commands.lecture_arguments import (
    DEFAULT_LECTURE,
    first_word,
    lecture_in,
    load_named,
    named_file,
    parse_lecture_arguments,
)
from tui_app.commands.several_devices import refuse_other_devices, refuse_several_runs
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings.configuration import configured_values, refuse_unknown
from tui_app.runs.settings.run_options import RunOptions
from tui_app.runs.settings.sweep import combinations, parse_list, parse_value_or_list
from tui_app.terminal.display_options import DisplayOptions, can_show_app
from tui_app.terminal.printing import stderr_console
from tui_app.training.ranks.launch import Launch
from tui_app.training.ranks.launch_local import train_on_devices
from tui_app.training.ranks.rank_process import this_launch

#: Options that suit any lecture; with these alone, the app opens the lecture it showed last.
_OF_ANY_LECTURE = {"runs_dir", "data_dir", "device", "devices", "threads"}


@dataclass
class Flags:
    """The arguments besides the settings of a run."""

    lecture: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="LECTURE")] = (
        DEFAULT_LECTURE
    )
    """A part of the lecture's name, or the path of a file."""

    model: str = ""
    """FILE.py:CLASS, a plain nn.Module to train with the lecture's data and settings: writes a
    lecture file beside it, and trains that."""

    no_tui: tyro.conf.FlagCreatePairsOff[bool] = False
    """Train without the app."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print the events as JSON lines on stdout, and nothing else there."""

    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print no progress."""

    fps: Annotated[float, tyro.conf.arg(metavar="FLOAT")] = 4.0
    """Frames per second that the app draws at most."""

    ascii: tyro.conf.FlagCreatePairsOff[bool] = False
    """Let the app draw in ASCII."""

    trust: tyro.conf.FlagCreatePairsOff[bool] = False
    """Trust the lecture's file if another user owns it: it runs, now and until it changes."""

    sweep: tyro.conf.UseAppendAction[list[str]] = field(default_factory=list)
    """FIELD=V1,V2,...: train one run per value."""

    run_folder: str = ""
    """Train in this empty run folder, which another program made below the runs folder."""


def main(argv: Sequence[str]) -> int:
    """Train as `argv` says and return the exit code."""
    launch = this_launch()
    refuse_few_open_files()
    may_show_app = launch is None and can_show_app()
    if len(argv) <= 1 and not any(word.startswith("-") for word in argv) and may_show_app:
        return _show_app(named_file(argv[0]) if argv else None, {}, Flags())
    argv = _with_plain_net_declared(argv, launch)
    parsed = parse_lecture_arguments(Flags, argv, "tutorch")
    lecture, fields, flags, given = parsed.lecture, parsed.fields, parsed.flags, parsed.given
    if not (flags.no_tui or flags.json or flags.quiet) and may_show_app:
        if flags.run_folder:
            raise InvalidValue("run_folder: add --no-tui; the app makes its own run folders")
        _sweep(fields, flags.sweep)  # raises for a wrong sweep
        sweeps = dict(map(_split_sweep, flags.sweep))
        for name, text in sweeps.items():
            _refuse_if_one_value(fields[name], text)
        is_meant = bool(first_word(argv)) or not set({**given, **sweeps}) <= _OF_ANY_LECTURE
        return _show_app(lecture.path if is_meant else None, given | sweeps, flags)

    from tui_app.headless.run import OutputOptions, train_all

    output = OutputOptions(json=flags.json, quiet=flags.quiet)
    runs = _sweep(fields, flags.sweep)
    folder = _folder_made_before(flags, lecture, given)
    refuse_other_devices(launch, given.get("devices"))
    placed: dict[str, Any] = {}
    placed |= {} if folder is None else {"runs_dir": str(folder.path.parent.parent)}
    placed |= {} if launch is None else {"devices": launch.count}
    with parsed.locating_errors({**placed, **runs[0]}):
        settings = parsed.resolve_all([placed | run for run in runs])
        devices = max(each.options.devices for each in settings)
        refuse_several_runs(devices, len(settings))
        if launch is None and devices > 1:
            return train_on_devices(devices, argv)
        if launch is not None and launch.count > 1:
            from tui_app.headless.rank_training import RankedRun, train_rank  # puts off torch

            return train_rank(RankedRun.new(settings[0], folder), output, launch)
        return train_all(settings, output, folder)


def _folder_made_before(
    flags: Flags, lecture: Lecture, given: Mapping[str, Any]
) -> RunFolder | None:
    """Return the folder that `--run-folder` names. Raises InvalidValue."""
    if not flags.run_folder:
        return None
    if flags.sweep:
        raise InvalidValue("run_folder: holds one run, and --sweep trains several")
    folder = RunFolder.made_before(flags.run_folder, lecture.name)
    runs_dir = given.get("runs_dir")
    if runs_dir is not None and user_path(runs_dir).absolute() != folder.path.parent.parent:
        raise InvalidValue(f"run_folder: {flags.run_folder!r} isn't below --runs-dir {runs_dir}")
    return folder


def _with_plain_net_declared(argv: Sequence[str], launch: Launch | None) -> list[str]:
    """Write a lecture file for the plain net of `--model FILE.py:CLASS`.

    Returns `argv` with this file in place of the option and of the lecture whose data and settings
    the file uses.
    """
    words, model = [], ""
    rest = iter(argv)
    for word in rest:
        name, equals, value = word.partition("=")
        if name == "--model":
            model = value if equals else next(rest, "")
        else:
            words.append(word)
    if len(words) == len(argv):
        return words
    if launch is not None and launch.count > 1:
        raise InvalidValue("model: each rank would write the file; `tutorch new` writes it once")
    net, named = find_plain_net(model), lecture_in(words)
    path = write_lecture_file(net, load_named(named, argv))
    stderr_console().print(f"{net.name} is trained as {path.name} declares it")
    if named in words:
        words.remove(named)
    return [str(path), *words]


def _show_app(lecture: Path | None, given: Mapping[str, Any], flags: Flags) -> int:
    """Open the app; without options, it paints before torch is loaded."""
    from tui_app.app.session.run_app import run_app  # puts off textual

    if flags.fps <= 0:
        raise InvalidValue(f"fps: a number > 0, not {flags.fps:g}")
    refuse_unknown()
    runs_dir = configured_values({"runs_dir": fields_of(RunOptions)["runs_dir"]})
    display = DisplayOptions.detect(fps=flags.fps, ascii_only=flags.ascii)
    return run_app(lecture, {**runs_dir, **given}, display=display)


def _split_sweep(sweep: str) -> tuple[str, str]:
    """Split `FIELD=V1,V2,...` into the field and the values."""
    name, _, values = sweep.partition("=")
    return name.strip().lstrip("-").replace("-", "_"), values


def _refuse_if_one_value(field: Field, text: str) -> None:
    """Raise InvalidValue for a sweep whose text would be one value in the app's form."""
    if len(parse_value_or_list(field, text)) != len(parse_list(field, text)):
        raise InvalidValue(
            f"--sweep {field.name}: the app reads {text!r} as one value; add --no-tui to sweep it"
        )


def _sweep(fields: dict[str, Field], sweeps: Sequence[str]) -> list[dict[str, Any]]:
    """Return each combination of the sweeps' values; a single empty one without sweeps."""
    swept: dict[str, tuple[Any, ...]] = {}
    for sweep in sweeps:
        name, values = _split_sweep(sweep)
        if not values or name not in fields or name == "runs_dir":
            raise InvalidValue(
                f"--sweep takes FIELD=V1,V2,... with a field of the lecture, not {sweep!r}"
            )
        swept[name] = parse_list(fields[name], values)
    return combinations(swept)
