"""Makes the runs that this program starts: each in a thread, or on several devices in a process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tui_app.monitoring.local_run import LocalRun
from tui_app.monitoring.process_run import ProcessRun
from tui_app.monitoring.queued_run import QueuedRun
from tui_app.monitoring.run_command import NewRunCommand, ResumeCommand
from tui_app.runs.errors import DamagedRun
from tui_app.runs.listing import read_status
from tui_app.runs.rank_devices import rank_devices
from tui_app.runs.settings.run_settings import RunSettings, differing
from tui_app.training.session_request import NewRunRequest, ResumeRequest


def new_runs(settings: Sequence[RunSettings]) -> list[QueuedRun]:
    """Return a run for each of the settings, named by those in which they differ."""
    return [_new_run(differing(each, settings) or each.lecture.name, each) for each in settings]


def _new_run(title: str, settings: RunSettings) -> QueuedRun:
    if settings.options.devices > 1:
        return ProcessRun(title, NewRunCommand(settings))
    return LocalRun(title, NewRunRequest(settings))


def resumed_run(request: ResumeRequest) -> QueuedRun:
    """Return the run to resume."""
    devices = request.options.get("devices") or _devices_as_before(request)
    if devices > 1:
        return ProcessRun(request.folder.name, ResumeCommand(request, devices))
    alone = replace(request, options={**request.options, "devices": 1})
    return LocalRun(request.folder.name, alone)


def _devices_as_before(request: ResumeRequest) -> int:
    """As many devices as the run trained on before, if one machine had them; else one."""
    try:
        record = request.record or request.folder.read_record()
        ranks = rank_devices(read_status(request.folder))
    except DamagedRun:  # which resuming will report
        return 1
    return record.devices if len({rank.host for rank in ranks}) <= 1 else 1
