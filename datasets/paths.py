"""Paths as users write them."""

from __future__ import annotations

import os
from pathlib import Path


def user_path(text: str) -> Path:
    """The path that `text` names, with `~` and `~user` expanded where there is such a home folder.

    Unlike `Path.expanduser` it raises nothing for a user who doesn't exist: such a path is taken
    as it stands, so that what opens it says that it isn't there.
    """
    return Path(os.path.expanduser(text))  # noqa: PTH111  the one that raises nothing
