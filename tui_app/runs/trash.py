"""Moves run folders into `.trash` inside the runs folder, and back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tui_app.runs.run_folder import RunFolder

_TRASH = ".trash"


@dataclass(frozen=True)
class TrashedRun:
    """A run in the trash: its folder `before` and `now`."""

    before: Path
    now: Path

    @property
    def name(self) -> str:
        """The run's name: `<lecture>/<date>-<time>-<4 hex>`."""
        return f"{self.before.parent.name}/{self.before.name}"


def move_to_trash(folder: RunFolder) -> TrashedRun:
    """Move a run into the trash. Raises RunLocked while a program trains it, or OSError.

    A symbolic link in the place of the trash isn't followed: it may lead anywhere.
    """
    with folder.lock():
        pass  # no program trains it
    before = folder.path
    trash = before.parent.parent / _TRASH
    for place in (trash, trash / before.parent.name):
        if place.is_symlink():
            raise NotADirectoryError(f"{place} is a symbolic link: nothing is moved there")
    now = trash / before.parent.name / before.name
    now.parent.mkdir(parents=True, exist_ok=True)
    before.rename(now)
    return TrashedRun(before, now)


def restore_from_trash(discarded: TrashedRun) -> None:
    """Move a run back to its folder. Raises OSError."""
    discarded.before.parent.mkdir(parents=True, exist_ok=True)
    discarded.now.rename(discarded.before)
