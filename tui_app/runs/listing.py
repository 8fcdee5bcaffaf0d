"""Lists run folders, finds one by a part of its name, and summarises its state."""

from __future__ import annotations

import os
import re
import shlex
import socket
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets.reading.paths import user_path
from models.fields import fields_of
from tui_app.runs.errors import DamagedRun, UnknownRun
from tui_app.runs.events import PRUNED
from tui_app.runs.files.run_files import is_there
from tui_app.runs.job_record import JobRecord, is_submitted, read_job
from tui_app.runs.process_identity import identity, is_running
from tui_app.runs.run_folder import RunFolder, read_json
from tui_app.runs.run_record import RunRecord
from tui_app.runs.settings.run_options import RunOptions
from tui_app.runs.status_file import SILENCE

#: A larger count can't be one.
_LARGEST = 2**53


@dataclass(frozen=True)
class RunSummary:
    """A summary of a run folder, from run.json and status.json alone.

    `state` is running, paused, completed, stopped, failed, crashed (its process is gone without
    having recorded an end), or damaged (then `problem` says why, and the rest is empty). A run that
    a cluster's job trains is queued until the job starts, and starting until the run has begun;
    `with_job_states` adds what the cluster says of its `job` (its id on the `cluster`; empty for
    other runs). `file` is the user's file that it was trained from, on the machine `host`; empty
    for a lecture of the course. `study` is the search that the run is a trial of, if any.
    """

    name: str
    path: str
    state: str
    lecture: str = ""
    dataset: str = ""
    epoch: int = 0
    epochs: int = 0
    metric: str = ""
    higher_is_better: bool = True
    best_value: float | None = None
    best_epoch: int | None = None
    created: float = 0.0
    file: str = ""
    host: str = ""
    devices: int = 1
    reason: str | None = None
    problem: str | None = None
    job: str = ""
    cluster: str = ""
    has_begun: bool = True
    study: str = ""

    @property
    def not_begun_text(self) -> str:
        """Why a run that a job is to train hasn't begun."""
        return f"It hasn't begun: {self.reason or f'job {self.job} is {self.state}'}."

    @property
    def shown_state(self) -> str:
        """The state in a table: a run that was stopped as a worse trial of a search is pruned."""
        is_pruned = self.state == "stopped" and (self.reason or "").startswith(PRUNED)
        return "pruned" if is_pruned else self.state

    @property
    def state_text(self) -> str:
        """The state, with the job that trains the run or is to train it."""
        is_over = self.has_begun and self.state not in ("queued", "starting", "running", "paused")
        return self.shown_state if is_over or not self.job else f"{self.state}, job {self.job}"

    @property
    def lecture_key(self) -> tuple[str, str]:
        """Identifies the lecture: its name, and the user's file (empty for the course's)."""
        return self.lecture, self.file


def run_folders(runs_dir: Path) -> list[RunFolder]:
    """Every run folder in `runs_dir`, the newest last, with those of jobs that haven't begun."""
    folders = map(RunFolder, runs_dir.glob("*/*"))
    found = [folder for folder in folders if is_there(folder.run_json) or is_submitted(folder)]
    return sorted(found, key=lambda folder: (folder.path.name, folder.name))


def find_run(text: str, runs_dir: Path) -> RunFolder:
    """Find a run by its path, by a part of its name that no other run has, or by `last`.

    A run whose name ends with the text, as `short_ids` gives it, comes first. Raises UnknownRun.
    """
    path = user_path(text)
    if text and is_there(path / "run.json"):
        return RunFolder(path)
    folders = run_folders(runs_dir)
    if not folders:
        raise UnknownRun(f"there are no runs in {runs_dir.absolute()} yet")
    if text == "last":
        folders = [folder for folder in folders if is_there(folder.run_json)] or folders
        return max(folders, key=lambda folder: (_started_at(folder, time.time()), folder.path.name))
    ends = (f"-{text}", f"/{text}")
    ending = [folder for folder in folders if text and f"/{folder.name}".endswith(ends)]
    found = ending or [folder for folder in folders if text and text in folder.name]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(folder.name for folder in found[-5:])
        raise UnknownRun(
            f"{text!r} could be any of {len(found)} runs, such as {names}: give more of the name"
        )
    raise UnknownRun(
        f"no run in {runs_dir.absolute()} is called {text!r}: `tutorch runs` lists them"
    )


def _started_at(folder: RunFolder, now: float) -> float:
    """When a run was started, from its run.json or else from its name.

    0 for a time in the future, which isn't from this machine's clock.
    """
    try:
        started = folder.read_record().created
    except DamagedRun:
        started = 0.0
    if not started:
        try:
            started = time.mktime(time.strptime(folder.path.name[:15], "%Y%m%d-%H%M%S"))
        except (ValueError, OverflowError):
            return 0.0
    return started if 0 < started <= now else 0.0


def as_argument(folder: RunFolder, name: str = "") -> str:
    """The run as an argument of a shell command: `name` or its full name, or its path if it isn't
    in the usual runs folder; quoted if necessary.
    """
    usual = os.environ.get("TUTORCH_RUNS_DIR") or fields_of(RunOptions)["runs_dir"].default
    is_found = folder.path.parent.parent == user_path(usual).absolute()
    return shlex.quote((name or folder.path.name) if is_found else str(folder.path))


def short_ids(folders: Sequence[RunFolder]) -> list[str]:
    """The shortest unique name of each run: its 4 hex digits, or more of its name if another run
    has the same digits. `find_run` accepts it.
    """
    endings = [_endings(folder) for folder in folders]
    counts = Counter(ending for each in endings for ending in set(each))
    return [
        next((ending for ending in each if counts[ending] == 1), folder.name)
        for each, folder in zip(endings, folders, strict=True)
    ]


def _endings(folder: RunFolder) -> list[str]:
    """The ends of a run's name that may identify it, the shortest first."""
    stamped = re.fullmatch(r"\d{8}-((\d{6})-([0-9a-f]{4}))", folder.path.name)
    ends = [stamped[3], stamped[1]] if stamped else []
    return [*ends, folder.path.name, folder.name]


def summarise(folder: RunFolder, record: RunRecord | None = None) -> RunSummary:
    """Summarise the run in `folder`. `record` is its run.json, if it was read already."""
    try:
        job = read_job(folder)
        if job is not None and record is None and not is_there(folder.run_json):
            return _summary_of_job(folder, job)
        record, status = record or folder.read_record(), read_status(folder)
        return RunSummary(
            name=folder.name,
            path=str(folder.path),
            state=current_state(status),
            lecture=record.lecture,
            dataset=record.dataset,
            epoch=_count(status.get("epoch") or 0),
            epochs=record.epochs,
            metric=record.metric,
            higher_is_better=record.higher_is_better,
            best_value=_number(status.get("best_value")),
            best_epoch=_count(status["best_epoch"]) if status.get("best_epoch") else None,
            created=record.created,
            file=record.users_file,
            host=record.host,
            study=record.study,
            devices=record.devices,
            reason=str(status["reason"]) if status.get("reason") else None,
            job="" if job is None else job.job_id,
            cluster="" if job is None else job.cluster,
        )
    except DamagedRun as error:
        problem = str(error)
    except (TypeError, ValueError, ArithmeticError) as error:
        problem = f"{folder.status} is damaged: {error}"
    return RunSummary(name=folder.name, path=str(folder.path), state="damaged", problem=problem)


def _summary_of_job(folder: RunFolder, job: JobRecord) -> RunSummary:
    """Summarise a run that its job hasn't begun; the job itself has, if it has written its log."""
    return RunSummary(
        name=folder.name,
        path=str(folder.path),
        state="starting" if is_there(folder.job_log) else "queued",
        lecture=job.lecture,
        dataset=job.dataset,
        epochs=job.epochs,
        created=job.submitted,
        job=job.job_id,
        cluster=job.cluster,
        has_begun=False,
    )


def _count(value: Any) -> int:
    count = int(value)
    if abs(count) > _LARGEST:
        raise ValueError(f"{str(count)[:40]} isn't a count")
    return count


def read_status(folder: RunFolder) -> dict[str, Any]:
    """Read status.json; empty for a run that has none yet. Raises DamagedRun."""
    return read_json(folder.status) if is_there(folder.status) else {}


def current_state(status: Mapping[str, Any]) -> str:
    """The state in `status`, or `crashed` if the process that trained is gone.

    For a run of this machine the process decides, not the heartbeat: the clock may have been set
    back. For a run of another machine there is only the heartbeat.
    """
    state = str(status.get("state", "crashed"))
    if state not in ("running", "paused"):
        return state
    if status.get("host") == socket.gethostname() and isinstance(status.get("pid"), int):
        recorded, now = status.get("identity"), identity(status["pid"])
        is_same = recorded == now if isinstance(recorded, str) and identity(os.getpid()) else True
        return state if is_same and is_running(status["pid"]) else "crashed"
    heartbeat = status.get("heartbeat")
    try:
        silent = time.time() - float(heartbeat if isinstance(heartbeat, int | float) else 0)
    except OverflowError:
        return "crashed"
    return "crashed" if silent > SILENCE else state


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
