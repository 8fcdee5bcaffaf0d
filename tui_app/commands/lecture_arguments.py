"""Parses a command line that names a lecture and gives settings of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from models import find_lecture
from models.fields import Field, InvalidValue, fields_of
from models.lecture import Hyperparameters, Lecture
from models.loading.load import load_lecture
from models.user_files.trust import allow_named_file
from tui_app.commands.option_parser import parse_options, several_values_error
from tui_app.commands.trust_prompt import load_trusted
from tui_app.monitoring.lecture_thread import import_watched
from tui_app.runs.settings.configuration import (
    Setting,
    locating_errors,
    refuse_unknown,
    refused_settings,
    settings_in_effect,
)
from tui_app.runs.settings.run_options import RunOptions
from tui_app.runs.settings.run_settings import RunSettings, resolve_settings
from tui_app.runs.settings.sweep import split_values
from tui_app.terminal.printing import print_to_stderr

DEFAULT_LECTURE = "lecture_09_softmax_classifier"

#: Options of any command that take no value; a word after one of them may be the lecture.
_VALUELESS = {"--no-tui", "--json", "--quiet", "--ascii", "--trust", "--dry-run", "--help", "-h"}


@dataclass(frozen=True)
class LectureArguments:
    """A parsed command line: the lecture, its fields by name, those `given`, and the command's own
    arguments (`flags`).
    """

    lecture: Lecture
    fields: dict[str, Field]
    flags: Any
    given: dict[str, Any]

    @cached_property
    def in_effect(self) -> Mapping[str, Setting]:
        """The settings that tutorch.toml and TUTORCH_* variables set. Raises InvalidValue."""
        return settings_in_effect(self.fields, self.lecture.name)

    def resolve_all(self, changes: Sequence[Mapping[str, Any]]) -> list[RunSettings]:
        """Resolve the settings of a run for each of the `changes`, and print which settings of
        tutorch.toml are ignored. Raises InvalidValue, UnknownDataset.
        """
        values = {name: setting.value for name, setting in self.in_effect.items()} | {**self.given}
        for sentence in refused_settings(self.fields.keys() - self.given, self.lecture.name):
            print_to_stderr(sentence)
        return [resolve_settings(self.lecture, {**values, **each}) for each in changes]

    def locating_errors(self, changed: Iterable[str] = ()) -> AbstractContextManager[None]:
        """Add its source to the error of a value that was neither given nor `changed`."""
        return locating_errors(self.in_effect, {*self.given, *changed})


def parse_lecture_arguments(schema: type, argv: Sequence[str], prog: str) -> LectureArguments:
    """Load the lecture that `argv` names, and parse `argv` with an option for each of its settings.

    `schema` is a dataclass of the command's own arguments, with a `lecture`. Raises InvalidValue,
    ParserDone, and what loading a lecture raises.
    """
    lecture = load_named(lecture_in(argv), argv)
    defaults = asdict(lecture.resolve(lecture.datasets[0], {}))
    fields = {name: replace(f, default=defaults[name]) for name, f in lecture.fields.items()}
    fields |= fields_of(RunOptions)
    fields["dataset"] = _dataset_field(lecture, fields["dataset"])
    description = f"{lecture.title} {lecture.title_zh} ({lecture.name})"
    flags, given = parse_options(schema, fields, argv, prog, description)
    if find_lecture(flags.lecture) != lecture.path:
        raise InvalidValue(f"put the lecture first: `{prog} {shlex.quote(flags.lecture)} ...`")
    _refuse_several_datasets(fields["dataset"], given.get("dataset", ""), lecture)
    refuse_unknown(fields, lecture.name)
    return LectureArguments(lecture, fields, flags, given)


def named_file(text: str) -> Path:
    """Return the file of a lecture that the user named, and trust the user's own file."""
    path = find_lecture(text)
    allow_named_file(path)
    return path


def load_named(text: str, argv: Sequence[str]) -> Lecture:
    """Load a lecture that the user named; the user must trust a file that another user owns."""
    path = named_file(text)

    def load() -> Lecture:
        with import_watched():
            return load_lecture(path)

    return load_trusted(load, is_trusted="--trust" in argv)


def lecture_in(argv: Sequence[str]) -> str:
    """Return the lecture that `argv` names, or the default."""
    return first_word(argv) or DEFAULT_LECTURE


def first_word(argv: Sequence[str]) -> str:
    """Return the first word that is neither an option nor an option's value, or an empty text."""
    return next(iter(argv[first_position(argv) :]), "")


def first_position(argv: Sequence[str]) -> int:
    """Return the position of the first word that is neither an option nor an option's value; the
    number of words if there is none.
    """
    known = {**fields_of(Hyperparameters), **fields_of(RunOptions)}
    valueless = _VALUELESS | {field.flag for field in known.values() if field.kind is bool}
    words = iter(enumerate(argv))
    for position, word in words:
        name = word.replace("_", "-")
        if not word.startswith("-"):
            return position
        if name not in valueless and not name.startswith("--no-") and "=" not in word:
            next(words, None)
    return len(argv)


def _dataset_field(lecture: Lecture, field: Field) -> Field:
    return replace(
        field, default=lecture.datasets[0], help=f"One of {', '.join(lecture.datasets)}."
    )


def _refuse_several_datasets(field: Field, text: str, lecture: Lecture) -> None:
    """Raise InvalidValue for several data sets; a path may have their separators."""
    parts = split_values(field, text)
    if len(parts) > 1 and set(parts) <= set(lecture.datasets):
        raise several_values_error(field, ",".join(parts))
