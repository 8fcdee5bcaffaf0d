"""Expands the paths that users type, and shortens those that they read."""

from __future__ import annotations

import os
from pathlib import Path


def user_path(text: str) -> Path:
    """The path that `text` names, with `~` and `~user` expanded where that home folder exists.

    Unlike `Path.expanduser` it doesn't raise for a user who doesn't exist: such a path stays as it
    is, and opening it says that there is no such file.
    """
    return Path(os.path.expanduser(text))  # noqa: PTH111  the one that raises nothing


def short_path(path: Path) -> str:
    """The file's name alone where the file is in the working folder, else its path."""
    is_here = Path(path.name).exists() and path.samefile(path.name)
    return path.name if is_here else str(path)
