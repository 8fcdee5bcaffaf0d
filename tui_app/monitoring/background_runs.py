"""Finds the runs that other programs train in the runs folder."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

from tui_app.runs.listing import RunSummary, summarise
from tui_app.runs.run_folder import RunFolder

#: Seconds after which a status is too old to read. A run that trains writes it every few seconds,
#: but a suspended one doesn't, and the disk may have another clock.
_OLDEST = 3600.0


def background_runs(runs_dir: Path, excluded: Collection[Path] = ()) -> list[RunSummary]:
    """Return the runs that train or are paused, the newest last, but not those in `excluded`."""
    own = {folder.resolve() for folder in excluded}
    folders = [
        path.parent
        for path in runs_dir.glob("*/*/status.json")
        if _is_recent(path) and path.parent.resolve() not in own
    ]
    summaries = [summarise(RunFolder(folder)) for folder in folders]
    training = [each for each in summaries if each.state in ("running", "paused")]
    return sorted(training, key=lambda each: each.created)


def _is_recent(path: Path) -> bool:
    try:
        return abs(time.time() - path.lstat().st_mtime) < _OLDEST
    except OSError:  # the run was moved away
        return False
