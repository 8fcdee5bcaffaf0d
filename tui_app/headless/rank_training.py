"""Trains a run as one of several ranks, and continues it after torchrun has restarted them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.text import Text

from tui_app.headless.rank_run import JoinedRank, joined_rank
from tui_app.headless.run import OutputOptions, train_one
from tui_app.headless.run_terminal import RunTerminal
from tui_app.headless.signal_handling import stop_on_signals
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings.run_settings import RunSettings
from tui_app.text.escaping import printable
from tui_app.training.ranks.launch import Launch
from tui_app.training.ranks.launch_folder import LaunchFolder, is_started_here
from tui_app.training.ranks.restarts import (
    Restarted,
    agent_of_this,
    find_restarted,
    record_agents,
    record_end,
)
from tui_app.training.session import Session
from tui_app.training.session_request import (
    MakeSession,
    NewRunRequest,
    OnProgress,
    ResumeRequest,
)
from tui_app.training.steering.control import Control

#: The options that a restarted group gives again: a resumed run has its own, or none.
_GIVEN_AGAIN = ("device", "devices", "max_time", "data_dir", "on_oom", "on_hangup")

#: Seconds in which it becomes known whether a rank's death has stopped the run.
_KNOWN_AFTER = 1.0


@dataclass(frozen=True)
class RankedRun:
    """A run to train on several ranks: the request of each of them, and its options."""

    request: NewRunRequest | ResumeRequest
    device: str
    runs_dir: Path
    on_hangup: str
    given_again: Mapping[str, Any]

    @classmethod
    def new(cls, settings: RunSettings, folder: RunFolder | None) -> RankedRun:
        """A new run, in a `folder` that was made before, if there is one."""
        options = settings.options
        return cls(
            NewRunRequest(settings, folder),
            options.device,
            Path(options.runs_dir),
            options.on_hangup,
            {name: getattr(options, name) for name in _GIVEN_AGAIN},
        )

    @classmethod
    def resumed(cls, request: ResumeRequest, device: str, on_hangup: str) -> RankedRun:
        """A run to resume on this kind of device."""
        runs_dir = request.folder.path.parent.parent
        return cls(request, device, runs_dir, on_hangup, request.options)

    def again(self, restarted: Restarted) -> RankedRun:
        """The same run, which this group trained before torchrun restarted it."""
        folder = restarted.folder
        if not restarted.has_begun:
            assert isinstance(self.request, NewRunRequest)
            return replace(self, request=replace(self.request, folder=folder))
        if isinstance(self.request, ResumeRequest):
            return replace(self, request=replace(self.request, folder=folder, record=None))
        return replace(self, request=ResumeRequest(folder, options=self.given_again, source="kept"))


def train_rank(run: RankedRun, output: OutputOptions, launch: Launch) -> int:
    """Train a run as the rank that torchrun started; return the exit code.

    A follower returns 0 if it did as rank 0 decided, however the run ended.
    """
    control = Control()
    if launch.rank:
        with joined_rank(launch, run.device, control) as joined:
            found = joined.group.agree(lambda: None)
            _follow(run, found, joined, control)
        return ExitCode.DONE
    terminal = RunTerminal(output.console())
    # torchrun ends all processes 30 seconds after a hang-up, --devices doesn't.
    keep = run.on_hangup == "keep" and is_started_here()
    with (
        stop_on_signals(control, terminal, keep=keep),
        joined_rank(launch, run.device, control, terminal) as joined,
    ):
        return _lead(run, joined, control, output, terminal)


def _follow(
    run: RankedRun, restarted: Restarted | None, joined: JoinedRank, control: Control
) -> None:
    if restarted is not None and restarted.exit_code is not None:
        return
    run = run.again(restarted) if restarted is not None else run
    replace(run.request, ranks=joined.group).follow(control)


def _lead(
    run: RankedRun,
    joined: JoinedRank,
    control: Control,
    output: OutputOptions,
    terminal: RunTerminal,
) -> int:
    can_restart = bool(joined.launch.run_id)  # torchrun started this, and no program of the user's
    restarted = joined.group.agree(
        lambda: find_restarted(run.runs_dir, agent_of_this()) if can_restart else None
    )
    if restarted is not None and restarted.exit_code is not None:
        text = f"{restarted.folder.name} has ended, and isn't restarted: {restarted.reason}"
        terminal.console.print(Text(printable(text)))
        return restarted.exit_code
    run = run.again(restarted) if restarted is not None else run
    with _folder_of(run.request, run.runs_dir) as folder:
        request = replace(run.request, folder=folder, ranks=joined.group)
        make = _recorded(request, joined.agents) if can_restart else request
        completed = train_one(make, control, output, terminal)
    waited = _KNOWN_AFTER if completed.state == "stopped" else 0.0
    if can_restart and joined.watch.find_failure(waited) is None:
        record_end(folder, completed.exit_code, completed.reason)
    return completed.exit_code


def _recorded(request: NewRunRequest | ResumeRequest, agents: Sequence[str]) -> MakeSession:
    """The request, which records the agents of a run that another program doesn't train: those of a
    new run first, so that a restarted group finds it however early it was killed.
    """

    def make(control: Control, on_progress: OnProgress) -> Session:
        if isinstance(request, NewRunRequest):
            assert request.folder is not None
            with request.folder.lock():
                record_agents(request.folder, agents)
        session = request(control, on_progress)
        if isinstance(request, ResumeRequest):
            record_agents(session.folder, agents)
        if started_in := LaunchFolder.from_environment(os.environ):
            started_in.write_run(session.folder.path)
        return session

    return make


@contextmanager
def _folder_of(request: NewRunRequest | ResumeRequest, runs_dir: Path) -> Iterator[RunFolder]:
    """The run's folder. A new one is made first, so that a restarted group finds it whenever it was
    killed; it is removed again if the run never begins.
    """
    if request.folder is not None:
        yield request.folder
        return
    assert isinstance(request, NewRunRequest)
    folder = RunFolder.create(runs_dir, request.settings.lecture.name)
    try:
        yield folder
    except BaseException:
        if not folder.run_json.exists():
            shutil.rmtree(folder.path, ignore_errors=True)
        raise
