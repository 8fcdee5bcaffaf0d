"""Paths as users write and read them."""

from __future__ import annotations

import os
from pathlib import Path


def user_path(text: str) -> Path:
    """The path that `text` names, with `~` and `~user` expanded where there is such a home folder.

    Unlike `Path.expanduser` it raises nothing for a user who doesn't exist: such a path is taken
    as it stands, so that what opens it says that it isn't there.
    """
    return Path(os.path.expanduser(text))  # noqa: PTH111  the one that raises nothing


def short_path(path: Path) -> str:
    """The file's name alone where that finds it from the working folder, or else its path."""
    is_here = Path(path.name).exists() and path.samefile(path.name)
    return path.name if is_here else str(path)
