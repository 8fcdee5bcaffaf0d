"""Calls SLURM's commands: submits a job, and asks for the states of jobs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tui_app.runs.errors import SubmissionFailed

#: Seconds that a busy SLURM controller may take to accept a job.
_SUBMITTING = 60.0

#: Seconds to wait for the states of jobs, which only add to what run folders say.
_ASKING = 4.0

#: What squeue says if it knows none of the jobs.
_UNKNOWN_JOB = "Invalid job id"

#: Job ids on one command line.
_MOST_JOBS = 500


@dataclass(frozen=True)
class SubmittedJob:
    """A job that SLURM accepted, with what sbatch said besides; `cluster` may be empty."""

    job_id: str
    cluster: str
    warnings: str


@dataclass(frozen=True)
class JobState:
    """A job's state in SLURM's words (PENDING, RUNNING, ...), and why it waits, if it does."""

    state: str
    reason: str = ""


#: The state of a job that another cluster knows, and this one doesn't.
ELSEWHERE = JobState("ELSEWHERE")


class Job(NamedTuple):
    """A job, by its id on its cluster, which is empty where SLURM didn't name it."""

    job_id: str
    cluster: str = ""


def submit(script: Path) -> SubmittedJob:
    """Submit a script with sbatch. Raises SubmissionFailed with sbatch's own words."""
    try:
        done = _run(["sbatch", "--parsable", str(script)], _SUBMITTING)
    except FileNotFoundError as error:
        raise SubmissionFailed(
            "there is no `sbatch` here: submit on a machine of the cluster, where SLURM is "
            "installed; --dry-run prints the script"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise SubmissionFailed(
            f"sbatch gave no answer in {_SUBMITTING:.0f} s: `squeue --me` shows whether the job "
            "was accepted"
        ) from error
    words = done.stderr.strip()
    job_id, _, cluster = done.stdout.strip().partition(";")
    if done.returncode or not job_id.isdecimal():
        raise SubmissionFailed(words or f"sbatch ended with exit code {done.returncode}")
    return SubmittedJob(job_id, cluster or _cluster_name(), words)


def _cluster_name() -> str:
    """The name of this machine's cluster; empty if SLURM doesn't say it in time."""
    for line in _output(["scontrol", "show", "config"]).splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "ClusterName":
            return value.strip()
    return ""


def job_states(jobs: Iterable[Job]) -> dict[Job, JobState] | None:
    """The states of the jobs that SLURM knows; None if it gives no answer in time.

    squeue knows the jobs of now and those that ended minutes ago, and sacct, where the cluster
    keeps accounts, all others. A job of another cluster is ELSEWHERE.
    """
    here, jobs = _cluster_name(), [*dict.fromkeys(jobs)][-_MOST_JOBS:]
    elsewhere = {job: ELSEWHERE for job in jobs if here and job.cluster not in ("", here)}
    wanted = {job.job_id: job for job in jobs if job not in elsewhere}
    try:
        options = ["--noheader", "--states=all", "--format=%i|%T|%r"]
        done = _run(["squeue", *options, f"--jobs={','.join(wanted)}"], _ASKING)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode and _UNKNOWN_JOB not in done.stderr:
        return None
    found = {id_: JobState(*rest) for id_, *rest in _rows(done.stdout, 3)}
    if missing := [id_ for id_ in wanted if id_ not in found]:
        command = ["sacct", "--noheader", "--allocations", "--parsable2", "--format=JobID,State"]
        rows = _rows(_output([*command, f"--jobs={','.join(missing)}"]), 2)
        # sacct names who cancelled a job: `CANCELLED by 1000`.
        found |= {id_: JobState(state.partition(" ")[0]) for id_, state in rows}
    return elsewhere | {wanted[id_]: state for id_, state in found.items() if id_ in wanted}


def _rows(text: str, columns: int) -> list[list[str]]:
    rows = [line.split("|", columns - 1) for line in text.splitlines()]
    return [[cell.strip() for cell in row] for row in rows if len(row) == columns]


def _output(command: Sequence[str]) -> str:
    """What a command prints; nothing if it fails or gives no answer in time."""
    try:
        done = _run(command, _ASKING)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _run(command: Sequence[str], timeout: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        stdin=subprocess.DEVNULL,
        timeout=timeout,
        check=False,
    )
