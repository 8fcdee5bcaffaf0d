"""Tells the program that started the ranks which process is rank 0, and its exit code.

torchrun reports neither: it ends with 1 whatever happened. The folder is temporary, and of one
`--devices N` on this machine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

#: The variable that names the folder to the agent and to the ranks.
FOLDER_VARIABLE = "TUTORCH_LAUNCH_FOLDER"


@dataclass(frozen=True)
class LaunchFolder:
    """The folder `path`, which exists while the ranks run."""

    path: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> LaunchFolder | None:
        """The folder that the environment names; None where `--devices` didn't start this."""
        path = environment.get(FOLDER_VARIABLE)
        return cls(Path(path)) if path else None

    def write_pid(self, pid: int) -> None:
        """Record the process that is rank 0."""
        self._write("pid", pid)

    def read_pid(self) -> int | None:
        """The process that is rank 0; None before it is started."""
        return self._read("pid")

    def write_exit_code(self, exit_code: int) -> None:
        """Record the exit code that rank 0 is about to end with."""
        self._write("exit_code", exit_code)

    def read_exit_code(self) -> int | None:
        """The exit code of rank 0; None if it recorded none."""
        return self._read("exit_code")

    def _write(self, name: str, value: int) -> None:
        part = self.path / f"{name}.part"
        with suppress(OSError):  # the folder is gone with the program that made it
            part.write_text(str(value), encoding="ascii")
            part.replace(self.path / name)

    def _read(self, name: str) -> int | None:
        try:
            return int((self.path / name).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None


def is_started_here() -> bool:
    """Whether `--devices` started this process, and not a torchrun of the user's."""
    return bool(os.environ.get(FOLDER_VARIABLE))
