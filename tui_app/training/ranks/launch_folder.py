"""Tells the programs of one `--devices N` which process is rank 0, how it ends, and in which run.

torchrun reports none of that: it ends with 1 whatever happened. The folder is temporary.
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
        return self._read_number("pid")

    def write_exit_code(self, exit_code: int) -> None:
        """Record the exit code that rank 0 is about to end with."""
        self._write("exit_code", exit_code)

    def read_exit_code(self) -> int | None:
        """The exit code of rank 0; None if it recorded none."""
        return self._read_number("exit_code")

    def write_stop(self, number: int) -> None:
        """Record the signal that the program is stopped by, before rank 0 gets it."""
        self._write("stop", number)

    def read_stop(self) -> int | None:
        """The signal that the program is stopped by; None if it isn't."""
        return self._read_number("stop")

    def write_run(self, path: Path) -> None:
        """Record the folder of the run that has begun."""
        self._write("run", path)

    def read_run(self) -> Path | None:
        """The folder of the run; None before it has begun."""
        text = self._read("run")
        return Path(text) if text is not None else None

    def _write(self, name: str, value: object) -> None:
        part = self.path / f"{name}.part"
        with suppress(OSError):  # the folder is gone with the program that made it
            part.write_bytes(os.fsencode(str(value)))
            part.replace(self.path / name)

    def _read(self, name: str) -> str | None:
        try:
            return os.fsdecode((self.path / name).read_bytes())
        except OSError:
            return None

    def _read_number(self, name: str) -> int | None:
        text = self._read(name)
        return int(text) if text is not None else None


def is_started_here() -> bool:
    """Whether `--devices` started this process, and not a torchrun of the user's."""
    return bool(os.environ.get(FOLDER_VARIABLE))
