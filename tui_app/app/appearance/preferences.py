"""Saves the user's preferences: language, theme, last lecture, order of the runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from models import find_lecture, is_course_file, lecture_names
from models.user_files.trust_store import state_folder
from tui_app.runs.files.durable_files import write_json
from tui_app.text.escaping import printable

#: The longest value and the largest file that are read.
_LONGEST, _LARGEST = 4096, 1 << 16


@dataclass(frozen=True)
class Preferences:
    """The saved preferences; "" where one isn't set."""

    language: str = ""
    """`en` or `zh`: the language of the lessons."""

    theme: str = ""
    """The name of one of Textual's themes."""

    lecture: str = ""
    """The name of a lecture of the course, or the absolute path of another one's file."""

    sort: str = ""
    """The column by which the runs are sorted."""

    @property
    def lecture_path(self) -> Path | None:
        """The file of the last lecture, if it still exists."""
        if self.lecture in lecture_names():
            return find_lecture(self.lecture)
        path = Path(self.lecture)
        is_there = path.is_absolute() and path.suffix == ".py" and path.is_file()
        return path if is_there else None


def name_to_remember(path: Path) -> str:
    """Return the name under which the lecture in `path` is saved."""
    return path.stem if is_course_file(path) else str(path.absolute())


class PreferencesFile:
    """Reads the preferences once, and saves changes. Several programs may do so at once: each
    reads the file again, applies its own changes and replaces the file.
    """

    def __init__(self, path: Path | None) -> None:
        self.values = Preferences()
        self.problem = ""
        self._path = path
        self._changed: dict[str, str] = {}
        self._lock = threading.Lock()
        if path is not None:
            self._read(path)

    def _read(self, path: Path) -> None:
        try:
            found = _read_values(path)
        except FileNotFoundError:
            return
        except (OSError, ValueError, RecursionError) as error:
            self.problem = f"The preferences in {path} can't be read: {_in_a_line(error)}"
            return
        known, wrong = _checked(found)
        self.values = replace(self.values, **known)
        if wrong:
            self.problem = f"{path}: ignored {', '.join(wrong)}, not a preference of this kind"

    def change(self, **changed: str) -> bool:
        """Set preferences. Returns whether they changed and `save` should be called."""
        if self._path is None or replace(self.values, **changed) == self.values:
            return False
        with self._lock:
            self.values = replace(self.values, **changed)
            self._changed |= changed
        return True

    def save(self) -> str:
        """Save the changes. Returns the problem, or "": the app works without."""
        with self._lock:
            path, changed, self._changed = self._path, self._changed, {}
            if path is None or not changed:
                return ""
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_json(path, _found_in(path) | changed)
            except OSError as error:
                return f"The preferences can't be saved: {_in_a_line(error)}"
        return ""


def preferences_file() -> PreferencesFile:
    """Return the user's file: in $TUTORCH_STATE_DIR, or in the system's folder for such files; no
    file where that variable is empty.
    """
    folder = state_folder()
    return PreferencesFile(folder / "app.json" if folder is not None else None)


def _read_values(path: Path) -> dict[str, Any]:
    """Return the content of the file. Raises OSError or ValueError."""
    if path.exists() and not path.is_file():  # reading a pipe would block
        raise ValueError("it is no file")
    with path.open("rb") as file:
        text = file.read(_LARGEST + 1)
    if len(text) > _LARGEST:
        raise ValueError("it is too large")
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    return found


def _checked(found: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Return the valid values, and the names of the invalid ones."""
    named = {field.name: found[field.name] for field in fields(Preferences) if field.name in found}
    known = {name: value for name, value in named.items() if _is_text(value)}
    return known, [name for name in named if name not in known]


def _found_in(path: Path) -> dict[str, str]:
    """Return the valid values in the file now: another program may have saved some."""
    try:
        known, _ = _checked(_read_values(path))
    except (OSError, ValueError, RecursionError):
        return {}
    return known


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST and value.isprintable()


def _in_a_line(error: Exception) -> str:
    return printable(" ".join(str(error).split()))[:200]
