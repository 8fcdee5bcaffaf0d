"""Reads the settings in ./tutorch.toml, each with its line."""

from __future__ import annotations

import glob
import os
import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from models import UnknownLecture, find_lecture
from models.fields import InvalidValue
from models.user_files.owners import foreign_uids, uid_of, user_names

FILE = Path("tutorch.toml")

#: Larger files aren't read.
_LARGEST = 1 << 20


class Entry(NamedTuple):
    """A setting in the file, with its place; `is_top` if it is in no table. `owner` names the user
    who owns the file, if that is another user.
    """

    name: str
    value: Any
    place: str
    is_top: bool
    owner: str


def entries_in_file(lecture: str) -> list[Entry]:
    """Return the settings at the top of the file, then those in the lecture's table."""
    text, owner = _read_file()
    content, lines = _parsed(text), _Lines(text)
    tables = {name: value for name, value in content.items() if isinstance(value, dict)}
    names: dict[str, str] = {}
    for table in tables:
        name = _lecture_of(table, lecture, lines.place(table))
        if name in names:
            raise InvalidValue(
                f"{lines.place(table)}: [{table}] and [{names[name]}] are the same lecture"
            )
        names[name] = table
    entries = [
        Entry(name, value, lines.place("", name), is_top=True, owner=owner)
        for name, value in content.items()
        if name not in tables
    ]
    table = names.get(lecture, "")
    return entries + [
        Entry(name, value, lines.place(table, name), is_top=False, owner=owner)
        for name, value in tables.get(table, {}).items()
    ]


def _lecture_of(table: str, lecture: str, place: str) -> str:
    """Return the name of the lecture that a table is for. Raises InvalidValue for a mistyped one.

    A name that is like no lecture's may be that of a user's file somewhere.
    """
    if table == lecture or _is_users_file(f"{table}.py"):
        return table
    try:
        return find_lecture(table).stem
    except UnknownLecture as error:
        if error.name and not error.near:
            return table
        raise InvalidValue(f"{place}: {error}") from error


def _is_users_file(name: str) -> bool:
    """Whether this folder, or a folder in it, has such a file."""
    here = Path()
    return (here / name).is_file() or any(here.glob(f"*/{glob.escape(Path(name).name)}"))


def _read_file() -> tuple[str, str]:
    """Return the file's text, and the name of another user who owns it or the link to it."""
    if not FILE.is_file():
        return "", ""
    try:
        with FILE.open(encoding="utf-8") as file:
            status = os.fstat(file.fileno())
            if status.st_size > _LARGEST:
                raise InvalidValue(f"{FILE.absolute()} is too large for a configuration")
            owners = foreign_uids({uid_of(status), uid_of(FILE.lstat())})
            return file.read(), user_names(owners)
    except OSError as error:
        raise InvalidValue(f"{FILE.absolute()} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidValue(f"{FILE.absolute()} can't be read: it is not UTF-8") from error


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        lines = text.split("\n")
        said = re.fullmatch(r"(.*) \(at (line (\d+), column \d+|end of document)\)", str(error))
        if said is None:
            raise InvalidValue(f"{FILE} can't be read as TOML: {error}") from error
        number = int(said[3] or len(text.rstrip().split("\n")))
        is_bare_word = re.match(r"[^=]+=\s*[A-Za-z]", lines[number - 1])
        hint = '; quote a word, as in optimizer = "adam"' if is_bare_word else ""
        place = said[2] if said[3] else f"line {number}"
        raise InvalidValue(f"{FILE}, {place}: not valid TOML: {said[1]}{hint}") from error


class _Lines:
    """Finds the line of the file in which a table or a setting begins."""

    _HEAD = re.compile(r"\s*\[\s*(.+?)\s*\]\s*(#.*)?$")
    _KEY = re.compile(r"\s*([^=#\[]+?)\s*=")

    def __init__(self, text: str) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        table = ""
        for number, line in enumerate(text.splitlines(), start=1):
            if head := self._HEAD.match(line):
                table = _unquoted(head[1])
                self._numbers.setdefault((table, ""), number)
            elif key := self._KEY.match(line):
                before, _, last = key[1].rpartition(".")  # table.setting = value
                self._numbers.setdefault((_unquoted(before) or table, _unquoted(last)), number)

    def place(self, table: str, name: str = "") -> str:
        """Return `tutorch.toml, line 3`, or the file alone if the line isn't found."""
        keys = [(table, name), ("", table)]  # table = {setting = value}
        if not name:
            keys += [key for key in self._numbers if key[0] == table]
        number = next((self._numbers[key] for key in keys if key in self._numbers), None)
        return f"{FILE}, line {number}" if number else f"{FILE}"


def _unquoted(name: str) -> str:
    return name.strip().strip("\"'")
