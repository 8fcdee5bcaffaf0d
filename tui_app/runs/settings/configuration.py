"""Reads settings from TUTORCH_* variables and, where they set nothing, from ./tutorch.toml."""

from __future__ import annotations

import ast
import difflib
import os
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from models import find_lecture, lecture_names
from models.fields import Field, InvalidValue, fields_of
from models.lecture import ImageHyperparameters
from models.user_files.parsing import parse
from tui_app.runs.settings.configuration_file import Entry, entries_in_file
from tui_app.runs.settings.run_options import RunOptions
from tui_app.runs.settings.run_settings import is_own_data

_PREFIX = "TUTORCH_"

#: Variables that aren't settings of a run.
_OTHER_VARIABLES = (
    "TUTORCH_CACHE_DIR",
    "TUTORCH_LAUNCH_FOLDER",
    "TUTORCH_MIRROR",
    "TUTORCH_STATE_DIR",
    "TUTORCH_STORAGE",
)


@dataclass(frozen=True)
class Setting:
    """A value and its source: `tutorch.toml, line 3` or `TUTORCH_LR`."""

    value: Any
    source: str

    def locate(self, error: InvalidValue) -> InvalidValue:
        """Return the error with the source of the wrong value."""
        text = str(error)
        if self.source.startswith(_PREFIX):  # the variable names the setting
            text = text.removeprefix(f"{error.field.replace('_', ' ')}: ")
        return InvalidValue(f"{self.source}: {text}", error.field)


def settings_in_effect(fields: Mapping[str, Field], lecture: str = "") -> dict[str, Setting]:
    """Return those of `fields` that are set outside the command line, by name.

    A setting at the top of tutorch.toml applies to every lecture that has it, one in a table to
    the lecture that the table names. Leaves out what `refused_settings` names. Raises InvalidValue
    with the source of a wrong value.
    """
    found: dict[str, Setting] = {}
    for entry in entries_in_file(lecture):
        if entry.name in fields and not _is_refused(entry):
            found[entry.name] = _checked(fields[entry.name], Setting(entry.value, entry.place))
    for name, field in fields.items():
        variable = _PREFIX + name.upper()
        if text := os.environ.get(variable):
            found[name] = _checked(field, Setting(text, variable), is_text=True)
    return found


def configured_values(fields: Mapping[str, Field], lecture: str = "") -> dict[str, Any]:
    """Return the values of `settings_in_effect`."""
    return {name: found.value for name, found in settings_in_effect(fields, lecture).items()}


def refused_settings(names: Container[str], lecture: str = "") -> list[str]:
    """Return a sentence for each of the settings `names` in tutorch.toml that is ignored.

    A path is ignored if another user owns the file: that user would choose what is read, and where
    tutorch writes.
    """
    return [
        f"{entry.place}: {entry.name} is refused: it names a path, and the file belongs to "
        f"{entry.owner}"
        for entry in entries_in_file(lecture)
        if entry.name in names and _is_refused(entry)
    ]


def _is_refused(entry: Entry) -> bool:
    return bool(entry.owner) and _names_path(entry.name, entry.value)


def _names_path(name: str, value: Any) -> bool:
    """Whether a setting is a path, as a hyperparameter of a user's lecture may be, too."""
    field = fields_of(RunOptions).get(name)
    if field is not None:
        return field.is_path or (name == "dataset" and is_own_data(str(value)))
    if isinstance(value, list):
        return any(_names_path(name, each) for each in value)
    return isinstance(value, str) and bool(re.search(r"[/\\~]|^(csv|folder):", value))


@contextmanager
def locating_errors(settings: Mapping[str, Setting], given: Iterable[str]) -> Iterator[None]:
    """Add the source to errors of `settings`, except those `given` on the command line."""
    names = set(given)
    try:
        yield
    except InvalidValue as error:
        setting = settings.get(error.field)
        if setting is None or error.field in names:
            raise
        raise setting.locate(error) from error


def refuse_unknown(known: Iterable[str] = (), lecture: str = "") -> None:
    """Raise InvalidValue, with a similar name, for an unknown setting in tutorch.toml or variable.

    The lecture's table may have the settings `known` of it. The top of the file and the variables
    may also have those of any other lecture.
    """
    of_lecture = list(known)
    for entry in entries_in_file(lecture):
        names = [*of_lecture, *_settings_of_all()] if entry.is_top else of_lecture
        if entry.name not in names and not (entry.is_top and _is_of_some_lecture(entry.name)):
            hint = _did_you_mean(entry.name, names)
            raise InvalidValue(f"{entry.place}: no setting is called {entry.name[:60]!r}{hint}")
    names = [*of_lecture, *_settings_of_all()]
    variables = [*(_PREFIX + name.upper() for name in names), *_OTHER_VARIABLES]
    for variable in (name for name in os.environ if name.startswith(_PREFIX)):
        name = variable.removeprefix(_PREFIX)
        is_some = name == name.upper() and _is_of_some_lecture(name.lower())
        if variable not in variables and not is_some:
            hint = _did_you_mean(variable, variables)
            raise InvalidValue(f"{variable[:60]}: no setting has this name{hint}")


def _did_you_mean(word: str, words: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(words), n=1)
    return f": did you mean {near[0]}?" if near else ""


def _checked(field: Field, setting: Setting, *, is_text: bool = False) -> Setting:
    try:
        value = field.parse(setting.value) if is_text else field.check(setting.value)
    except InvalidValue as error:
        raise setting.locate(error) from error
    return Setting(value, setting.source)


def _settings_of_all() -> list[str]:
    """Return the names of the settings that most lectures have."""
    return [*fields_of(ImageHyperparameters), *fields_of(RunOptions)]


def _is_of_some_lecture(name: str) -> bool:
    return name in _settings_of_lectures()


@cache
def _settings_of_lectures() -> frozenset[str]:
    """Return the names of settings that only some lectures have, without importing lectures."""
    names: set[str] = set()
    for lecture in lecture_names():
        tree = parse(find_lecture(lecture).read_text(encoding="utf-8"))
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        for node in (node for each in classes for node in each.body):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names.add(node.target.id)
    return frozenset(names)
