"""Stand-ins for SLURM's commands, found first on PATH."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


class ClusterCommands:
    """A folder of commands that write their arguments into `calls`."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._calls = folder / "calls"
        folder.mkdir()
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def add(self, name: str, body: str) -> None:
        """Add a command, whose body is a shell script."""
        path = self._folder / name
        path.write_text(f'#!/bin/sh\necho {name} "$@" >>"{self._calls}"\n{body}\n')
        path.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """The command lines so far, and forget them."""
        lines = self._calls.read_text().splitlines() if self._calls.exists() else []
        self._calls.unlink(missing_ok=True)
        return lines
