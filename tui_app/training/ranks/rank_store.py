"""What the ranks tell each other through the store of torchrun, beside any collective.

Each method is one or a few short requests, so that it works while another rank is dead or stuck.
A store whose server is gone raises StoreGone.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import TypeVar

from torch.distributed.distributed_c10d import PrefixStore

from tui_app.runs.errors import RankFailed
from tui_app.runs.exit_codes import ExitCode
from tui_app.training.ranks.group import START_TIMEOUT, Failure, connect
from tui_app.training.ranks.launch import Launch
from tui_app.training.ranks.rank_identity import RankProcess

T = TypeVar("T")

#: Seconds between two signs that rank 0 is there.
PRESENCE = 0.1

#: Seconds that a request may take.
_TIMEOUT = 10.0


class StoreGone(Exception):
    """The process that serves the store is gone, or its machine is."""


class Meeting:
    """Names the attempt of a group to train, so that what an earlier one wrote isn't read.

    torchrun's count of restarts doesn't name it: it may differ between machines. So rank 0 gives it
    a name, and shows that it is there until all have come.
    """

    def __init__(self, launch: Launch) -> None:
        self._rank = launch.rank
        self._store = connect(launch)
        self.attempt = ""

    def open(self) -> None:
        """Name the attempt, on rank 0."""
        self.attempt = uuid.uuid4().hex
        self._store.set("attempt", self.attempt)

    def show_presence(self) -> None:
        """Let the others know that rank 0 is there; call this several times a second."""
        try:
            self._store.add(f"present {self.attempt}", 1)
        except RuntimeError as error:
            raise StoreGone(str(error).partition("\n")[0]) from error

    def find(self) -> None:
        """Wait for rank 0, on another rank: its attempt is the one in which it is there.

        Raises RankFailed if it doesn't come, or if the program that started this rank is gone.
        """
        seen: dict[str, int] = {}
        agent, begun = os.getppid(), time.monotonic()
        while not self.attempt:
            if self._store.check(["attempt"]):
                name = self._store.get("attempt").decode()
                count = self._store.add(f"present {name}", 0)
                if count > seen.setdefault(name, count):
                    self.attempt = name
                    return
            if os.getppid() != agent:
                raise self._alone("the torchrun that started it is gone")
            if time.monotonic() - begun > START_TIMEOUT.total_seconds():
                raise self._alone(f"it has waited for {START_TIMEOUT.total_seconds():.0f} seconds")
            time.sleep(PRESENCE / 2)

    def _alone(self, why: str) -> RankFailed:
        return RankFailed(f"rank {self._rank} hasn't met rank 0: {why}", ExitCode.FAILED)


class RankStore:
    """A client of the store, for one thread; the ranks of one `attempt` share what is in it."""

    def __init__(self, launch: Launch, attempt: str) -> None:
        self._rank = launch.rank
        try:
            store = connect(launch, attempt)
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
