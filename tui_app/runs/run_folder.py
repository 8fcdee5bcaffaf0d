"""A run on disk: what was trained, how, how it went, and the models that came of it."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock

from models.user_files.error_location import user_traceback
from tui_app.runs.durable_files import AppendedFile, write_json
from tui_app.runs.environment import environment
from tui_app.runs.errors import DamagedRun, RunLocked, RunsFolderUnwritable
from tui_app.runs.process_identity import identity
from tui_app.runs.run_files import is_there, read_file, refuse_irregular

SCHEMA_VERSION = 1

#: A run.json or status.json larger than this was not written by tutorch.
_LARGEST_JSON = 1 << 20


#: How often a name is sought whose four last digits no other run has.
_ATTEMPTS = 100


class RunFolder:
    """The files of one run, in `runs/<lecture>/<date>-<time>-<4 hex>/`."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.run_json = self.path / "run.json"
        self.data_json = self.path / "data.json"
        self.status = self.path / "status.json"
        self.metrics = self.path / "metrics.jsonl"
        self.log = self.path / "log.txt"
        self.last = self.path / "last.pt"
        self.previous = self.path / "previous.pt"
        self.source = self.path / "source"

    @classmethod
    def create(cls, runs_dir: Path, lecture: str) -> RunFolder:
        """A new, empty run folder. Raises RunsFolderUnwritable."""
        parent = runs_dir / lecture
        try:
            parent.mkdir(parents=True, exist_ok=True)
            while True:
                path = parent / _free_name(runs_dir)
                try:
                    path.mkdir()
                except FileExistsError:
                    continue
                return cls(path)
        except OSError as error:
            raise RunsFolderUnwritable(
                f"no run can be kept in {parent}: {error.strerror}. "
                "Name a folder that can be written with --runs-dir"
            ) from error

    @property
    def name(self) -> str:
        """The run's name: `<lecture>/<date>-<time>-<4 hex>`."""
        return f"{self.path.parent.name}/{self.path.name}"

    def best(self, place: int = 0) -> Path:
        """Where the model in this place of the ranking is kept: best.pt, best-2.pt, ..."""
        return self.path / ("best.pt" if place == 0 else f"best-{place + 1}.pt")

    def write_record(self, record: dict[str, Any]) -> None:
        """Write run.json: `record`, and what it was made with unless the record says so."""
        write_json(self.run_json, {"schema_version": SCHEMA_VERSION, **environment(), **record})

    def read_record(self) -> dict[str, Any]:
        """What run.json says. Raises DamagedRun."""
        record = read_json(self.run_json)
        if record.get("schema_version") != SCHEMA_VERSION:
            raise DamagedRun(
                f"{self.run_json} has schema version {str(record.get('schema_version'))[:20]}, "
                f"this tutorch reads version {SCHEMA_VERSION}"
            )
        return record

    def has_checkpoint(self) -> bool:
        """Whether anything of what was trained here was ever saved."""
        return any(is_there(path) for path in (self.last, self.previous, self.best()))

    def refuse_irregular_files(self) -> None:
        """Raise NotRegularFile where a run that goes on could not record anything."""
        for path in (self.metrics, self.log):
            refuse_irregular(path)

    def remove_unfinished(self) -> None:
        """Remove the temporary files of a program that was killed while it wrote."""
        for path in self.path.glob(".*.tmp"):
            if path.is_symlink() or not path.is_dir():
                path.unlink(missing_ok=True)

    def lock(self) -> filelock.BaseFileLock:
        """Take the run for this process alone; the system frees it should the process die.

        Raises RunLocked when another one has it, and NotRegularFile.
        """
        path = self.path / ".lock"
        refuse_irregular(path)  # filelock refuses a link too, but would lock a FIFO or a device
        # Of no thread: a run whose thread is stuck is released by another one.
        lock = filelock.FileLock(path, blocking=False, thread_local=False)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise RunLocked(f"another program is training in {self.path}") from error
        return lock


def _free_name(runs_dir: Path) -> str:
    """A name for a run now, whose last four digits no other run has, so that they mean it alone."""
    name = _stamp(time.time())
    for _ in range(_ATTEMPTS):
        if not any(runs_dir.glob(f"*/*-{name[-4:]}")):
            break
        name = _stamp(time.time())
    return name


def _stamp(now: float) -> str:
    """`<date>-<time>-<4 hex>`: the hex digits are the second's fraction, so that names sort."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{int(now % 1 * 0x10000):04x}"


def read_json(path: Path, largest: int = _LARGEST_JSON) -> dict[str, Any]:
    """The object in a JSON file of a run folder, of at most so many bytes. Raises DamagedRun."""
    try:
        values = json.loads(read_file(path, largest).decode())
    except DamagedRun:
        raise
    except FileNotFoundError as error:
        raise DamagedRun(f"{path} is missing: {path.parent} is not a whole run folder") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedRun(f"{path} can't be read as JSON: it is damaged") from error
    if not isinstance(values, dict):
        raise DamagedRun(f"{path} holds no JSON object: it is damaged")
    return values


class LogFile:
    """log.txt: what a person would want to read of a run, line by line."""

    def __init__(self, path: Path, narrate: Callable[[Any], str | None]) -> None:
        self._file = AppendedFile(path)
        self._narrate = narrate

    def __call__(self, event: Any) -> None:
        """Write the event's line. Raises OSError, and makes up for it with a later event."""
        text = self._narrate(event)
        if text is not None:
            self._file.add(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {text}")
            self._file.write_out()

    def add_traceback(self, error: BaseException) -> None:
        """Write where `error` came from, in a user's file as far as one had a part in it."""
        for line in user_traceback(error):
            self._file.add(line)

    def close(self) -> None:
        """Write no more."""
        self._file.close()


def this_program() -> dict[str, Any]:
    """How status.json names the program that trains."""
    pid = os.getpid()
    return {"pid": pid, "identity": identity(pid), "host": socket.gethostname()}
