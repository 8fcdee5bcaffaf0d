"""Reads and writes job.json: the job of a cluster that trains the run of a folder."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, fields
from typing import Any

from tui_app.runs.errors import DamagedRun
from tui_app.runs.files.durable_files import write_json
from tui_app.runs.files.run_files import is_there
from tui_app.runs.run_folder import RunFolder, read_json

_LARGEST = 2**53


@dataclass(frozen=True, kw_only=True)
class JobRecord:
    """A submitted job. `cluster` is empty where SLURM doesn't name it, `submitted` is in seconds
    since the epoch; lecture, data set and epochs are those of the run, which may not have begun.
    """

    job_id: str
    cluster: str
    submitted: float
    lecture: str
    dataset: str
    epochs: int

    def write(self, folder: RunFolder) -> None:
        """Write job.json into the run folder. Raises OSError."""
        write_json(folder.job_json, asdict(self))


def is_submitted(folder: RunFolder) -> bool:
    """Whether the folder was made for a job."""
    return is_there(folder.job_json)


def read_job(folder: RunFolder) -> JobRecord | None:
    """Read the job of a run; None if no job trains it. Raises DamagedRun."""
    path = folder.job_json
    if not is_submitted(folder):
        return None
    values = read_json(path)
    kinds: dict[str, Any] = {"submitted": float | int, "epochs": int}
    for field in fields(JobRecord):
        value = values.get(field.name)
        is_right = isinstance(value, kinds.get(field.name, str))
        if not is_right or (isinstance(value, int | float) and not 0 <= value < _LARGEST):
            raise DamagedRun(f"{path} is damaged: `{field.name}` is {repr(value)[:40]}")
    try:
        time.localtime(values["submitted"])
    except (ValueError, OverflowError, OSError) as error:
        raise DamagedRun(f"{path} is damaged: `submitted` isn't a time") from error
    if not values["job_id"].isdecimal():  # it becomes an argument of SLURM's commands
        raise DamagedRun(f"{path} is damaged: {values['job_id'][:40]!r} is no job")
    return JobRecord(**{field.name: values[field.name] for field in fields(JobRecord)})
