"""Names, makes and locks a run folder, and reads and writes its run.json."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import filelock

from datasets.reading.paths import user_path
from models.fields import InvalidValue
from tui_app.runs.environment import environment
from tui_app.runs.errors import DamagedRun, RunLocked, RunsFolderUnwritable
from tui_app.runs.files.durable_files import write_json
from tui_app.runs.files.run_files import is_there, read_file, refuse_irregular
from tui_app.runs.run_record import RunRecord

SCHEMA_VERSION = 1

#: A run.json or status.json larger than this was not written by tutorch.
_LARGEST_JSON = 1 << 20

#: The name of a run folder, as `create` gives it.
_NAME = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")

#: Names that are tried for a new run until one has four last digits that no other run has.
_ATTEMPTS = 100


class RunFolder:
    """The files of one run, in `runs/<lecture>/<date>-<time>-<4 hex>/`."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.name = f"{self.path.parent.name}/{self.path.name}"
        """The run's name: `<lecture>/<date>-<time>-<4 hex>`. Every event has it."""

        self.run_json = self.path / "run.json"
        self.job_json = self.path / "job.json"
        self.job_log = self.path / "job.log"
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
                f"can't make a run folder in {parent}: {error.strerror}. "
                "Name a writable folder with --runs-dir"
            ) from error

    @classmethod
    def made_before(cls, path: str, lecture: str) -> RunFolder:
        """The run folder at `path`, which `create` made for a run of `lecture` that hasn't begun.

        It may hold files of the program that made it. Raises InvalidValue.
        """
        folder = cls(user_path(path))
        if not _NAME.fullmatch(folder.path.name) or folder.path.parent.name != lecture:
            raise InvalidValue(
                f"run_folder: {path!r} isn't RUNS/{lecture}/<date>-<time>-<4 hex>, as the folder "
                "of a new run is",
                "run_folder",
            )
        if not folder.path.is_dir():
            raise InvalidValue(f"run_folder: there is no folder {path!r}", "run_folder")
        folder.refuse_run()
        return folder

    def refuse_run(self) -> None:
        """Raise InvalidValue if the folder already holds a run."""
        if is_there(self.run_json) or self.has_checkpoint():
            raise InvalidValue(
                f"run_folder: {self.path} already holds a run: `tutorch resume` continues it",
                "run_folder",
            )

    def best(self, place: int = 0) -> Path:
        """The file of the model at this place of the ranking: best.pt, best-2.pt, ..."""
        return self.path / ("best.pt" if place == 0 else f"best-{place + 1}.pt")

    def write_record(self, record: RunRecord) -> None:
        """Write run.json: the record, and the environment unless the record has one."""
        content = {"schema_version": SCHEMA_VERSION, **environment(), **record.values}
        write_json(self.run_json, content)

    def read_record(self) -> RunRecord:
        """Read run.json. Raises DamagedRun."""
        if not is_there(self.run_json) and is_there(self.job_json):
            raise DamagedRun(
                f"{self.name} hasn't begun: its job was submitted, and `tutorch runs` shows what "
                "became of it"
            )
        values = read_json(self.run_json)
        if values.get("schema_version") != SCHEMA_VERSION:
            raise DamagedRun(
                f"{self.run_json} has schema version {str(values.get('schema_version'))[:20]}, "
                f"this tutorch reads version {SCHEMA_VERSION}"
            )
        try:
            return RunRecord.of(values)
        except ValueError as error:
            raise DamagedRun(f"{self.run_json} is damaged: {error}") from error

    def has_checkpoint(self) -> bool:
        """Whether any model of this run was ever saved."""
        return any(is_there(path) for path in (self.last, self.previous, self.best()))

    def refuse_irregular_files(self) -> None:
        """Raise NotRegularFile if a resumed run couldn't append to its metrics or its log."""
        for path in (self.metrics, self.log):
            refuse_irregular(path)

    def remove_unfinished(self) -> None:
        """Remove the temporary files of a program that was killed while it wrote a file."""
        for path in self.path.glob(".*.tmp"):
            if path.is_symlink() or not path.is_dir():
                path.unlink(missing_ok=True)

    def lock(self) -> filelock.BaseFileLock:
        """Lock the run for this process; the system unlocks it if the process dies.

        Raises RunLocked if another process has locked it, and NotRegularFile.
        """
        path = self.path / ".lock"
        refuse_irregular(path)  # filelock refuses a link too, but would lock a FIFO or a device
        # Not bound to a thread: another thread unlocks a run whose own thread is stuck.
        lock = filelock.FileLock(path, blocking=False, thread_local=False)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise RunLocked(f"another program is training in {self.path}") from error
        return lock


def _free_name(runs_dir: Path) -> str:
    """A name for a new run. Its last four digits are unique, so that they identify the run."""
    name = _stamp(time.time())
    for _ in range(_ATTEMPTS):
        if not any(runs_dir.glob(f"*/*-{name[-4:]}")):
            break
        name = _stamp(time.time())
    return name


def _stamp(now: float) -> str:
    """`<date>-<time>-<4 hex>`; the hex digits are the fraction of the second, so names sort."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{int(now % 1 * 0x10000):04x}"


def read_json(path: Path, largest: int = _LARGEST_JSON) -> dict[str, Any]:
    """The object in a JSON file of at most `largest` bytes. Raises DamagedRun."""
    try:
        values = json.loads(read_file(path, largest).decode())
    except DamagedRun:
        raise
    except FileNotFoundError as error:
        raise DamagedRun(
            f"{path} is missing: {path.parent} is not a complete run folder"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedRun(f"{path} can't be read as JSON: it is damaged") from error
    if not isinstance(values, dict):
        raise DamagedRun(f"{path} holds no JSON object: it is damaged")
    return values
