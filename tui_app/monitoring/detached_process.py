"""Starts tutorch in a process of its own, which goes on when the app is closed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tui_app.runs.files.run_files import open_file


def start_detached(words: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start `tutorch` with these words; its output is appended to the file `log`. Raises OSError.

    The process has no terminal and a session of its own: neither Ctrl-C nor a hang-up reaches it.
    """
    with open_file(log, "ab") as file:
        return subprocess.Popen(
            # -P: the working folder may have a torch.py of the user's.
            [sys.executable, "-P", "-m", "tui_app", *words],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": _path()},
        )


def _path() -> str:
    """Return the new process's import path, with this program, which may not be installed."""
    here = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH", "")]))
