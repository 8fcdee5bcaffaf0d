"""Finds the runs that other programs train in the runs folder."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

from tui_app.runs.listing import RunSummary, summarise
from tui_app.runs.run_folder import RunFolder

#: A run that trains writes its status every few seconds. An older one, in seconds, isn't read: that
#: of a run which was suspended, or on a disk with another clock, may be old.
_OLDEST = 3600.0


def background_runs(runs_dir: Path, own: Collection[Path] = ()) -> list[RunSummary]:
    """The runs that train or are paused, the newest last; none of those in the folders `own`."""
    kept_out = {folder.resolve() for folder in own}
    folders = [
        path.parent
        for path in runs_dir.glob("*/*/status.json")
        if _is_recent(path) and path.parent.resolve() not in kept_out
    ]
    summaries = [summarise(RunFolder(folder)) for folder in folders]
    training = [each for each in summaries if each.state in ("running", "paused")]
    return sorted(training, key=lambda each: each.created)


def _is_recent(path: Path) -> bool:
    try:
        return abs(time.time() - path.lstat().st_mtime) < _OLDEST
    except OSError:  # the run was moved away
        return False
