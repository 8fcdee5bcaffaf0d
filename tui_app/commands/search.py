"""`tutorch search LECTURE --vary ...`: searches for the best hyperparameters, with Optuna."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.reading.paths import user_path
from models import LectureError, find_lecture
from models.fields import InvalidValue, fields_of
from models.hyperparameters import Hyperparameters
from models.lecture import Lecture
from models.loading.load import load_lecture
from tui_app.commands.arguments import (
    configured_options,
    refuse_few_open_files,
    runs_dir,
)
from tui_app.commands.lecture_arguments import (
    LectureArguments,
    first_word,
    load_named,
    parse_lecture_arguments,
)
from tui_app.commands.option_parser import parse_options
from tui_app.commands.search_options import DESCRIPTION, Search
from tui_app.commands.trust_prompt import load_trusted
from tui_app.runs.settings.run_options import RunOptions
from tui_app.runs.settings.run_settings import is_own_data, own_data
from tui_app.runs.settings.variation import Variation, parse_variation
from tui_app.search.record import MACHINE_OPTIONS, PRUNERS, StudyRecord
from tui_app.search.storage import check_study_name, default_study_name
from tui_app.search.study import open_study
from tui_app.training.ranks.rank_process import find_launch

if TYPE_CHECKING:
    from tui_app.headless.search_request import SearchRequest

_PROGRAM = "tutorch search"

#: Options of a run that aren't those of a trial.
_NOT_OF_TRIALS = {"runs_dir", "dataset", "devices"}


def main(argv: Sequence[str]) -> int:
    """Search as `argv` says and return the exit code."""
    refuse_few_open_files()
    launch = find_launch(os.environ)
    if launch is not None and launch.count > 1:
        raise InvalidValue(
            "a search isn't a group of ranks: start it without torchrun; --workers N trains "
            "several trials at once"
        )
    if "--help" in argv or "-h" in argv:
        _print_help(argv)
    request, flags = _new_or_joined(argv) if first_word(argv) else _going_on(argv)
    for name in ("trials", "workers"):
        number = getattr(flags, name)
        if number is not None and number < 1:
            raise InvalidValue(f"{name}: a whole number ≥ 1, not {number}", name)

    from tui_app.headless.run import OutputOptions
    from tui_app.headless.search import search

    return search(request, OutputOptions(json=flags.json, quiet=flags.quiet))


def _print_help(argv: Sequence[str]) -> None:
    """Print the options; those of the lecture if one is named. Raises ParserDone."""
    if first_word(argv):
        parse_lecture_arguments(Search, argv, _PROGRAM)
    fields = {**fields_of(Hyperparameters), **fields_of(RunOptions)}
    parse_options(Search, fields, ["--help"], _PROGRAM, DESCRIPTION)


def _new_or_joined(argv: Sequence[str]) -> tuple[SearchRequest, Search]:
    """Read a command line that names a lecture."""
    parsed = parse_lecture_arguments(Search, argv, _PROGRAM)
    lecture, flags, given = parsed.lecture, parsed.flags, parsed.given
    if given.get("devices", 1) != 1:
        raise InvalidValue("devices: a trial trains on one; --workers N uses several", "devices")
    vary = _variations(lecture, flags.vary)
    for name in vary:
        if name in given:
            option = lecture.fields[name].flag
            raise InvalidValue(f"{name} varies: leave out {option} {given[name]}", name)
    if not vary and flags.study:
        _refuse_settings(flags, given)
    record = _record(parsed, vary) if vary else None
    if record is None and not flags.study:
        raise InvalidValue(
            "nothing varies: name a hyperparameter, as in --vary lr=1e-4..1:log", "vary"
        )
    if record is not None:
        with parsed.locating_errors(vary):
            record.space(lecture)
    name = flags.study or default_study_name(lecture.name, vary)
    values = {name: setting.value for name, setting in parsed.in_effect.items()} | {**given}
    return _request(name, lecture, record, flags, values, given), flags


def _going_on(argv: Sequence[str]) -> tuple[SearchRequest, Search]:
    """Read a command line that names a study alone: the study knows its lecture."""
    fields = {name: fields_of(RunOptions)[name] for name in (*MACHINE_OPTIONS, "runs_dir")}
    flags, given = parse_options(Search, fields, argv, _PROGRAM, DESCRIPTION)
    if not flags.study:
        raise InvalidValue(
            "name the lecture, as in `tutorch search softmax --vary lr=1e-4..1:log`, or a study "
            "to go on with: `tutorch search --study NAME`"
        )
    if flags.vary:
        raise InvalidValue("name the lecture first: `tutorch search LECTURE --vary ...`", "vary")
    _refuse_settings(flags, given)
    values = {**configured_options(*fields), **given}
    with closing(open_study(flags.study, runs_dir(values), _storage(flags))) as study:
        lecture = _lecture_of(study.record, argv)
    return _request(flags.study, lecture, None, flags, values, given), flags


def _refuse_settings(flags: Search, given: Mapping[str, Any]) -> None:
    """Raise InvalidValue for a setting that a study which goes on has already."""
    settings = [name for name in given if name not in (*MACHINE_OPTIONS, "runs_dir")]
    settings += ["pruner"] if flags.pruner else []
    for name in settings:
        option = "--" + name.replace("_", "-")
        raise InvalidValue(
            f"{option}: a study that goes on keeps its settings; leave it out, or begin another "
            "study with --vary",
            name,
        )


def _request(
    name: str,
    lecture: Lecture,
    record: StudyRecord | None,
    flags: Search,
    values: Mapping[str, Any],
    given: Mapping[str, Any],
) -> SearchRequest:
    from tui_app.headless.search_request import SearchRequest  # puts off torch

    machine = {name: given[name] for name in MACHINE_OPTIONS if name in given}
    if data_dir := machine.get("data_dir"):
        machine["data_dir"] = str(user_path(data_dir).absolute())
    return SearchRequest(
        name=check_study_name(name),
        runs_dir=runs_dir(values).absolute(),
        storage=_storage(flags),
        lecture=lecture,
        record=record,
        total=flags.trials or 0,
        workers=flags.workers,
        machine=machine,
        keep=values.get("on_hangup", "keep") == "keep",
    )


def _storage(flags: Search) -> str:
    return flags.storage or os.environ.get("TUTORCH_STORAGE", "")


def _variations(lecture: Lecture, texts: Sequence[str]) -> dict[str, Variation]:
    """Parse what varies, by name. Raises InvalidValue."""
    vary: dict[str, Variation] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        name = name.strip().lstrip("-").replace("-", "_")
        if not equals or name not in lecture.fields:
            what = "isn't a hyperparameter of the lecture" if equals else "has no ="
            raise InvalidValue(
                f"--vary takes FIELD=A|B or FIELD=LOW..HIGH, not {text[:60]!r}, which {what}: "
                f"`tutorch search {shlex.quote(lecture.name)} --help` lists them",
                "vary",
            )
        if name in vary:
            raise InvalidValue(f"--vary names {name} twice", name)
        vary[name] = parse_variation(lecture.fields[name], values)
    return vary


def _record(parsed: LectureArguments, vary: Mapping[str, Variation]) -> StudyRecord:
    """Describe the study that the command line means."""
    lecture = parsed.lecture
    values = {name: setting.value for name, setting in parsed.in_effect.items()} | {**parsed.given}
    dataset = values.get("dataset") or lecture.datasets[0]
    fixed = {n: v for n, v in values.items() if n not in _NOT_OF_TRIALS and n not in vary}
    if data_dir := fixed.get("data_dir"):
        fixed["data_dir"] = str(user_path(data_dir).absolute())
    return StudyRecord(
        lecture=lecture.name,
        file=str(Path(lecture.path).absolute()) if lecture.source else "",
        source=lecture.source.digest if lecture.source else "",
        dataset=own_data(dataset) if is_own_data(dataset) else dataset,
        vary=vary,
        fixed=fixed,
        pruner=parsed.flags.pruner or PRUNERS[0],
    )


def _lecture_of(record: StudyRecord, argv: Sequence[str]) -> Lecture:
    """Load the lecture of a study; the user must trust a file of their own that it names."""
    if not record.file:
        return load_named(record.lecture, argv)
    path = Path(record.file)
    if not path.is_file():
        raise LectureError(
            f"the study's lecture was {path}, which is gone: name the file, as in "
            f"`tutorch search {path.name} --study NAME`"
        )
    return load_trusted(lambda: load_lecture(find_lecture(str(path))), is_trusted="--trust" in argv)
