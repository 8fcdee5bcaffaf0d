"""Continues a run in a process of its own after the app is closed, and says how to watch it."""

from __future__ import annotations

import sys
from pathlib import Path

from tui_app.monitoring.detached_process import start_detached
from tui_app.monitoring.queued_run import QueuedRun
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_trust import is_trust_unsaved


def resume_in_background(folder: Path, run: QueuedRun | None) -> None:
    """Resume the `run` in `folder` in another process, and print how to watch and stop it."""
    completed = run.history.completed if run is not None else None
    if completed is None or completed.state != "stopped":
        sys.stderr.write(f"tutorch: {folder} needs no more training.\n")
        return
    # The source is the one that the run keeps, since the user may have edited the file while it
    # trained.
    words = ["resume", str(folder), "--no-tui", "--source", "kept"]
    words += ["--trust"] if is_trust_unsaved(RunFolder(folder)) else []
    process = start_detached(words, folder / "log.txt")
    print_how_to_watch(process.pid, folder)


def print_how_to_watch(pid: int, folder: Path) -> None:
    """Print how to watch and stop the run in `folder`, which the process `pid` trains."""
    sys.stderr.write(
        f"tutorch: training continues as process {pid}, in {folder}\n"
        f"  to watch it   tutorch, then b\n"
        f"  to stop it    kill {pid}    (it saves first)\n"
        f"  its log       tail -f {folder / 'log.txt'}\n"
    )
