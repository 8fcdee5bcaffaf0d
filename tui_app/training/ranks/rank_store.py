"""What the ranks tell each other through the store of torchrun, beside any collective.

Each method is one or a few short requests, so that it works while another rank is dead or stuck.
A store whose server is gone raises StoreGone.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from torch.distributed.distributed_c10d import PrefixStore

from tui_app.runs.process_identity import identity
from tui_app.training.ranks.group import Failure, connect
from tui_app.training.ranks.launch import Launch
from tui_app.training.ranks.restarts import agent_of_this

T = TypeVar("T")

#: Seconds that a request may take.
_TIMEOUT = 10.0


class StoreGone(Exception):
    """The process that serves the store is gone, or its machine is."""


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


class RankStore:
    """A client of the store, for one thread."""

    def __init__(self, launch: Launch) -> None:
        self._rank = launch.rank
        try:
            store = connect(launch)
        except (RuntimeError, ValueError) as error:
            raise StoreGone(str(error).partition("\n")[0]) from error
        store.set_timeout(timedelta(seconds=_TIMEOUT))
        self._store, self._failures = PrefixStore("watch", store), PrefixStore("failures", store)

    def register(self, process: RankProcess) -> None:
        """Let the others know which process this rank is."""
        self._set(f"process/{self._rank}", json.dumps(asdict(process)))

    def process(self, rank: int) -> RankProcess | None:
        """The process of a rank; None before it has registered."""
        text = self._get(f"process/{rank}")
        return RankProcess(**json.loads(text)) if text is not None else None

    def beat(self, count: int) -> None:
        """Show that this rank's process runs."""
        self._set(f"beat/{self._rank}", str(count))

    def beat_of(self, rank: int) -> str | None:
        """What a rank set last; it changes while its process runs."""
        return self._get(f"beat/{rank}")

    def end(self) -> None:
        """Let the others know that this rank ends as it should."""
        self._set(f"end/{self._rank}", "1")

    def has_ended(self, rank: int) -> bool:
        """Whether a rank has ended as it should, or is about to."""
        return self._call(lambda: self._store.check([f"end/{rank}"]))

    def report(self, failure: Failure) -> None:
        """Let the others know that a rank can't go on, as `Group.report_failure` does."""
        number = self._call(lambda: self._failures.add("count", 1))
        text = json.dumps(asdict(failure))
        self._call(lambda: self._failures.set(str(number), text))

    def first_failure(self) -> Failure | None:
        """The failure that was reported first, if any was."""
        if not self._call(lambda: self._failures.check(["1"])):
            return None
        return Failure(**json.loads(self._call(lambda: self._failures.get("1"))))

    def _set(self, key: str, value: str) -> None:
        self._call(lambda: self._store.set(key, value))

    def _get(self, key: str) -> str | None:
        if not self._call(lambda: self._store.check([key])):
            return None
        return self._call(lambda: self._store.get(key)).decode()

    def _call(self, request: Callable[[], T]) -> T:
        try:
            return request()
        except RuntimeError as error:
            raise StoreGone(str(error).partition("\n")[0]) from error


def _machine() -> str | None:
    """Identifies the processes among which a number means one: two containers of a host may have
    the same name, and other processes.
    """
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    return None
