"""Continues a run in a process of its own after the app is closed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tui_app.monitoring.local_run import LocalRun
from tui_app.runs.files.run_files import open_file
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_trust import is_trust_unsaved


def resume_in_background(folder: Path, run: LocalRun | None) -> None:
    """Resume the `run` in `folder` in another process, and print how to watch and stop it."""
    completed = run.history.completed if run is not None else None
    if completed is None or completed.state != "stopped":
        sys.stderr.write(f"tutorch: {folder} needs no more training.\n")
        return
    # -P: the working folder may have a torch.py of the user's. The source is the one that the run
    # keeps, since the user may have edited the file while it trained.
    words = ["-P", "-m", "tui_app", "resume", str(folder), "--no-tui", "--source", "kept"]
    words += ["--trust"] if is_trust_unsaved(RunFolder(folder)) else []
    with open_file(folder / "log.txt", "ab") as log:
        process = subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": _path()},
        )
    sys.stderr.write(
        f"tutorch: training continues as process {process.pid}, in {folder}\n"
        f"  to watch it   tutorch, then b\n"
        f"  to stop it    kill {process.pid}    (it saves first)\n"
        f"  its log       tail -f {folder / 'log.txt'}\n"
    )


def _path() -> str:
    """Return the new process's import path, with this program, which may not be installed."""
    here = str(Path(__file__).resolve().parents[3])
    return os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH", "")]))
