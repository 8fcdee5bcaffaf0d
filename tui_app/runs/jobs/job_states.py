"""Adds what SLURM says of their jobs to summaries of runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from tui_app.runs.jobs.slurm import ELSEWHERE, Job, JobState, job_states
from tui_app.runs.listing import RunSummary

#: SLURM's states of a job that waits, and of one that a node runs.
_WAITING = ("PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED")
_ON_NODE = ("RUNNING", "CONFIGURING", "COMPLETING", "SUSPENDED", "STAGE_OUT", "SIGNALING")


#: Seconds that a screen shows what SLURM said before it asks again.
_INTERVAL = 30.0

#: Asks for the states of jobs; None without an answer.
AskStates = Callable[[Iterable[Job]], Mapping[Job, JobState] | None]


class RecentJobStates:
    """Asks SLURM at intervals only, or for a job that it wasn't asked for yet."""

    def __init__(self) -> None:
        self._jobs: set[Job] = set()
        self._asked_at = 0.0
        self._states: Mapping[Job, JobState] | None = None

    def __call__(self, jobs: Iterable[Job]) -> Mapping[Job, JobState] | None:
        """The states of the jobs as SLURM said them last."""
        wanted, now = set(jobs), time.monotonic()
        if not wanted <= self._jobs or now > self._asked_at + _INTERVAL:
            self._jobs, self._asked_at, self._states = wanted, now, job_states(sorted(wanted))
        return self._states


def with_job_states(
    summaries: Sequence[RunSummary], ask: AskStates = job_states
) -> list[RunSummary]:
    """The summaries, with the states of those jobs that may be about to begin or continue a run.

    Asks SLURM once, and only if there is such a job. Without an answer the summaries stay what the
    run folders say.
    """
    asked = [_job_of(summary) for summary in summaries if _depends_on_job(summary)]
    states = ask(asked) if asked else None
    if states is None:
        return [*summaries]
    return [
        _with_job_state(summary, states.get(_job_of(summary)))
        if _depends_on_job(summary)
        else summary
        for summary in summaries
    ]


def _depends_on_job(summary: RunSummary) -> bool:
    """Whether the job may begin or continue the run: it isn't training, and isn't done."""
    return bool(summary.job) and summary.state in ("queued", "starting", "stopped", "crashed")


def _job_of(summary: RunSummary) -> Job:
    return Job(summary.job, summary.cluster)


def _with_job_state(run: RunSummary, job: JobState | None) -> RunSummary:
    if job is not None and job.state in _WAITING:
        why = f": {job.reason}" if job.reason not in ("", "None") else ""
        done = f"has trained {run.epoch} of {run.epochs} epochs and waits" * run.has_begun
        return replace(run, state="queued", reason=f"job {run.job} {done or 'waits'}{why}")
    if not _depends_on_job(run) or job is ELSEWHERE:
        return run
    if run.has_begun and job is not None and job.state == "COMPLETING":
        return run
    if job is not None and job.state in _ON_NODE:
        return replace(run, state="starting", reason=f"job {run.job} is {job.state.lower()}")
    if run.has_begun:
        return run
    if job is None and run.state == "queued":
        reason = f"job {run.job} is unknown to SLURM, and training never began"
        return replace(run, state="vanished", reason=reason)
    if job is not None and job.state == "CANCELLED":
        reason = f"job {run.job} was cancelled before training began"
        return replace(run, state="cancelled", reason=reason)
    how = "" if job is None else f" ({job.state})"
    reason = f"job {run.job} ended{how} before training began: job.log says why"
    return replace(run, state="failed", reason=reason)
