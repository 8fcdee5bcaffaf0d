"""`tutorch [LECTURE] [options]`: trains a lecture, in the app or headless."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import tyro

from datasets.reading.paths import user_path
from models import find_lecture
from models.fields import Field, InvalidValue, fields_of
from models.lecture import Hyperparameters, Lecture
from models.loading.load import load_lecture
from models.loading.plain_net import find_plain_net, write_lecture_file
from models.user_files.trust import allow_named_file
from tui_app.commands.arguments import refuse_few_open_files, refuse_several_processes
from tui_app.commands.option_parser import parse_options, several_values_error
from tui_app.commands.trust_prompt import load_trusted
from tui_app.monitoring.lecture_thread import import_watched
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings.configuration import (
    configured_values,
    locating_errors,
    refuse_unknown,
    refused_settings,
    settings_in_effect,
)
from tui_app.runs.settings.run_options import RunOptions
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.runs.settings.sweep import combinations, parse_list, parse_value_or_list, split_values
from tui_app.terminal.display_options import DisplayOptions, can_show_app
from tui_app.terminal.printing import print_to_stderr, stderr_console

DEFAULT_LECTURE = "lecture_09_softmax_classifier"

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
    refuse_several_processes()
    refuse_few_open_files()
    if len(argv) <= 1 and not any(word.startswith("-") for word in argv) and can_show_app():
        return _show_app(_named(argv[0]) if argv else None, {}, Flags())
    argv = _with_plain_net_declared(argv)
    lecture = _load_named(_lecture_in(argv), argv)
    defaults = asdict(lecture.resolve(lecture.datasets[0], {}))
    fields = {name: replace(f, default=defaults[name]) for name, f in lecture.fields.items()}
    fields |= fields_of(RunOptions)
    fields["dataset"] = _dataset_field(lecture, fields["dataset"])
    description = f"{lecture.title} {lecture.title_zh} ({lecture.name})"
    flags, given = parse_options(Flags, fields, argv, "tutorch", description)
    if find_lecture(flags.lecture) != lecture.path:
        raise InvalidValue(f"put the lecture first: `tutorch {shlex.quote(flags.lecture)} ...`")
    _refuse_several_datasets(fields["dataset"], given.get("dataset", ""), lecture)
    refuse_unknown(fields, lecture.name)
    if not (flags.no_tui or flags.json or flags.quiet) and can_show_app():
        if flags.run_folder:
            raise InvalidValue("run_folder: add --no-tui; the app makes its own run folders")
        _sweep(fields, flags.sweep)  # raises for a wrong sweep
        sweeps = dict(map(_split_sweep, flags.sweep))
        for name, text in sweeps.items():
            _refuse_if_one_value(fields[name], text)
        is_meant = bool(_first_word(argv)) or not set({**given, **sweeps}) <= _OF_ANY_LECTURE
        return _show_app(lecture.path if is_meant else None, given | sweeps, flags)

    from tui_app.headless.run import OutputOptions, train_all

    output = OutputOptions(json=flags.json, quiet=flags.quiet)
    in_effect, runs = settings_in_effect(fields, lecture.name), _sweep(fields, flags.sweep)
    values = {name: setting.value for name, setting in in_effect.items()} | given
    for sentence in refused_settings(fields.keys() - given, lecture.name):
        print_to_stderr(sentence)
    folder = _folder_made_before(flags, lecture, given)
    if folder is not None:
        values["runs_dir"] = str(folder.path.parent.parent)
    with locating_errors(in_effect, {*given, *runs[0]}):
        return train_all([resolve_settings(lecture, values | run) for run in runs], output, folder)


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


def _named(text: str) -> Path:
    """Return the file of a lecture that the user named, and trust the user's own file."""
    path = find_lecture(text)
    allow_named_file(path)
    return path


def _load_named(text: str, argv: Sequence[str]) -> Lecture:
    """Load a lecture that the user named; the user must trust a file that another user owns."""
    path = _named(text)

    def load() -> Lecture:
        with import_watched():
            return load_lecture(path)

    return load_trusted(load, is_trusted="--trust" in argv)


def _with_plain_net_declared(argv: Sequence[str]) -> list[str]:
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
    net, named = find_plain_net(model), _lecture_in(words)
    path = write_lecture_file(net, _load_named(named, argv))
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


def _lecture_in(argv: Sequence[str]) -> str:
    """Return the lecture that `argv` names, or the default."""
    return _first_word(argv) or DEFAULT_LECTURE


def _first_word(argv: Sequence[str]) -> str:
    """Return the first word that is neither an option nor an option's value, or an empty text."""
    valueless = {"--no-tui", "--json", "--quiet", "--ascii", "--trust", "--help", "-h"}
    known = {**fields_of(Hyperparameters), **fields_of(RunOptions)}
    valueless |= {field.flag for field in known.values() if field.kind is bool}
    words = iter(argv)
    for word in words:
        name = word.replace("_", "-")
        if not word.startswith("-"):
            return word
        if name not in valueless and not name.startswith("--no-") and "=" not in word:
            next(words, None)
    return ""


def _split_sweep(sweep: str) -> tuple[str, str]:
    """Split `FIELD=V1,V2,...` into the field and the values."""
    name, _, values = sweep.partition("=")
    return name.strip().lstrip("-").replace("-", "_"), values


def _dataset_field(lecture: Lecture, field: Field) -> Field:
    return replace(
        field, default=lecture.datasets[0], help=f"One of {', '.join(lecture.datasets)}."
    )


def _refuse_several_datasets(field: Field, text: str, lecture: Lecture) -> None:
    """Raise InvalidValue for several data sets; a path may have their separators."""
    parts = split_values(field, text)
    if len(parts) > 1 and set(parts) <= set(lecture.datasets):
        raise several_values_error(field, ",".join(parts))


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
