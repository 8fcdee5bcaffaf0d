"""Settings that aren't on the command line: TUTORCH_* variables, then ./tutorch.toml."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from models import lecture_names
from models.fields import Field, InvalidValue

FILE = Path("tutorch.toml")
_PREFIX = "TUTORCH_"

#: Larger files are no configuration.
_LARGEST = 1 << 20


def configured(fields: Mapping[str, Field], lecture: str = "") -> dict[str, Any]:
    """The values set outside the command line, by name, for those of `fields` that are set.

    In tutorch.toml a setting stands at the top, for every lecture that has it, or in a table with
    the lecture's name. Raises InvalidValue, which says where the value stands.
    """
    values: dict[str, Any] = {}
    for name, value in _from_file(lecture).items():
        if name in fields:
            values[name] = _checked(fields[name], value, f"{FILE}")
    for name, field in fields.items():
        variable = _PREFIX + name.upper()
        if variable in os.environ:
            values[name] = _checked(field, os.environ[variable], variable, is_text=True)
    return values


def refuse_unknown(known: Iterable[str], lecture: str) -> None:
    """Raise InvalidValue for a setting in tutorch.toml that no lecture has, or this one hasn't."""
    names = list(known)
    for name in _from_file(lecture):
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f": did you mean {near[0]}?" if near else ""
            raise InvalidValue(f"{FILE}: there is no setting {name[:60]!r}{hint}")


def _from_file(lecture: str) -> dict[str, Any]:
    if not FILE.is_file():
        return {}
    try:
        if FILE.stat().st_size > _LARGEST:
            raise InvalidValue(f"{FILE.absolute()} is too large for a configuration")
        content = tomllib.loads(FILE.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, InvalidValue):
            raise
        raise InvalidValue(f"{FILE.absolute()} can't be read as TOML: {error}") from error
    settings = {name: value for name, value in content.items() if not isinstance(value, dict)}
    tables = [name for name, value in content.items() if isinstance(value, dict)]
    for table in tables:
        if table not in (*lecture_names(), lecture):
            near = difflib.get_close_matches(table, lecture_names(), n=1)
            hint = f": did you mean {near[0]}?" if near else ""
            raise InvalidValue(f"{FILE}: there is no lecture {table[:60]!r}{hint}")
    return settings | content.get(lecture, {})


def _checked(field: Field, value: Any, source: str, *, is_text: bool = False) -> Any:
    try:
        return field.parse(value) if is_text else field.check(value)
    except InvalidValue as error:
        raise InvalidValue(f"{source}: {error}") from error
