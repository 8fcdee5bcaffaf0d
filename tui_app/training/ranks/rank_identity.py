"""Identifies the process that is a rank, also from another process of its machine."""

from __future__ import annotations

import os
import platform
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tui_app.runs.process_identity import identity, is_running
from tui_app.training.ranks.restarts import agent_of_this


@dataclass(frozen=True)
class RankProcess:
    """The process that a rank is: the `device` it trains on, its `identity` as `process_identity`
    gives it, the `machine` whose processes it is among (None where the system doesn't say), and
    the `agent` that started it.
    """

    rank: int
    host: str
    device: str
    agent: str
    pid: int
    identity: str | None
    machine: str | None

    @classmethod
    def of_this(cls, rank: int, device: str) -> RankProcess:
        """This process."""
        pid, host = os.getpid(), platform.node()
        return cls(rank, host, device, agent_of_this(), pid, identity(pid), _machine())

    def is_gone(self, here: RankProcess) -> bool:
        """Whether the process has ended, as one that is `here` sees it; False for a process of
        another machine.
        """
        if self.machine is None:
            return self.host == here.host and not is_running(self.pid)
        return self.machine == here.machine and identity(self.pid) != self.identity

    def kill(self, here: RankProcess) -> None:
        """End a silent process of the machine of `here`: it may be stopped, or ignore signals."""
        if self.identity is not None and self.machine == here.machine:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def _machine() -> str | None:
    """Identifies the processes among which a number means one: two containers of a host may have
    the same name, and other processes.
    """
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    return None
