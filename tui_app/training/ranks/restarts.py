"""Lets a group that torchrun has restarted find the run that it trained before.

torchrun restarts the processes, while its agent goes on: a hidden file in the run folder names the
agents of the group. A job's id doesn't identify it, since torchrun calls every job "none".
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_app.runs.errors import DamagedRun
from tui_app.runs.files.durable_files import write_json
from tui_app.runs.process_identity import identity
from tui_app.runs.run_folder import RunFolder, read_json

#: The file's name; hidden, as the run's lock is.
_NAME = ".launch.json"


def agent_of_this() -> str:
    """Identifies the process that started this one, torchrun's agent on this node."""
    pid = os.getppid()
    return f"{platform.node()} {pid} {identity(pid) or ''}".strip()


@dataclass(frozen=True)
class Restarted:
    """The run that a restarted group trained before.

    `has_begun` unless it was killed before run.json was written. A run that ended as it should,
    not by the loss of a rank, has the `exit_code` and the `reason` of that.
    """

    folder: RunFolder
    has_begun: bool
    exit_code: int | None
    reason: str


def record_agents(folder: RunFolder, agents: Iterable[str]) -> None:
    """Record which agents started the ranks that train in this folder."""
    write_json(folder.path / _NAME, {"agents": sorted(set(agents))})


def record_end(folder: RunFolder, exit_code: int, reason: str) -> None:
    """Record that the run ended by its own decision: a restarted group doesn't resume it."""
    values = {**_read(folder), "exit_code": int(exit_code), "reason": reason}
    write_json(folder.path / _NAME, values)


def find_restarted(runs_dir: Path, agent: str) -> Restarted | None:
    """The newest run in `runs_dir` that the ranks of this agent trained; None if there is none."""
    folders = [RunFolder(path.parent) for path in runs_dir.glob(f"*/*/{_NAME}")]
    for folder in sorted(folders, key=lambda each: each.path.name, reverse=True):
        values = _read(folder)
        agents = values.get("agents")
        if not isinstance(agents, list) or agent not in agents:  # a damaged file is nobody's
            continue
        exit_code = values.get("exit_code")
        return Restarted(
            folder,
            has_begun=folder.run_json.exists(),
            exit_code=exit_code if isinstance(exit_code, int) else None,
            reason=str(values.get("reason", "")),
        )
    return None


def _read(folder: RunFolder) -> dict[str, Any]:
    try:
        return read_json(folder.path / _NAME)
    except DamagedRun:
        return {}
