"""Finds out which rank of a group has died, hangs or failed, and ends the group for it.

A collective doesn't say who is missing, and with NCCL it doesn't even return. So a thread of each
rank looks at the processes of its own machine, at the heartbeats of the others, and at what they
reported.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from tui_app.runs.errors import RankFailed
from tui_app.runs.exit_codes import ExitCode
from tui_app.training.ranks.group import Failure
from tui_app.training.ranks.launch import Launch
from tui_app.training.ranks.rank_identity import RankProcess
from tui_app.training.ranks.rank_store import (
    PRESENCE,
    Meeting,
    RankStore,
    StoreGone,
)

#: Seconds between two looks, and between two heartbeats.
_LOOK = 0.5
_BEAT = 2.0

#: Seconds without a heartbeat after which a rank counts as dead.
SILENCE = 20.0

#: Seconds in which a rank's own thread can end the run for a failure, before the watch does; and
#: those in which a follower waits for rank 0 to do so.
_GRACE = 4.0
_PATIENCE = 20.0

#: A look that is so many seconds late: the program was suspended, and the others may have been too.
_LATE = 5.0


@dataclass
class _Seen:
    """What this rank saw of another one last, and when its heartbeat changed."""

    process: RankProcess | None = None
    beat: str | None = None
    changed: float = field(default_factory=time.monotonic)


class RankWatch:
    """Watches the other ranks while this context lasts.

    On rank 0 `on_failure` gets a failure that its own thread doesn't act on, again and again until
    the run ends, and `on_orphaned` is called once torchrun is gone; both in the watch's thread.
    The other ranks, the followers, end their process by themselves.
    """

    def __init__(self, launch: Launch, device: str) -> None:
        self.on_failure: Callable[[Failure], None] = lambda failure: None
        self.on_orphaned: Callable[[], None] = lambda: None
        self._launch = launch
        self._parent = os.getppid()
        self._this = RankProcess.of_this(launch.rank, device)
        try:
            self._meeting = Meeting(launch)
            self._meeting.open() if launch.rank == 0 else self._meeting.find()
            self.attempt = self._meeting.attempt
            self._store = RankStore(launch, self.attempt)  # the thread's own
            self._reports = RankStore(launch, self.attempt)
            self._reports.register(self._this)
        except (StoreGone, RuntimeError, ValueError) as error:
            text = f"rank {launch.rank} can't reach torchrun's store: {error}"
            raise RankFailed(text, ExitCode.FAILED) from error
        self._lock = threading.Lock()
        self._seen = {rank: _Seen() for rank in range(launch.count) if rank != launch.rank}
        self._failure: Failure | None = None
        self._failed = self._looked = time.monotonic()
        self._beaten, self._beats = 0.0, 0
        self._has_failed, self._has_met_all = threading.Event(), threading.Event()
        self._is_over = threading.Event()
        self._is_orphaned = self._is_waiting = False
        self._has_store = True
        self._thread = threading.Thread(target=self._watch, name="ranks", daemon=True)

    def __enter__(self) -> RankWatch:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """This rank ends as it should: the others don't take it for dead."""
        self._is_over.set()
        with self._lock, suppress(StoreGone):
            self._reports.end()
        # A thread that is in a request when the interpreter ends would abort the process.
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def wait_for_rank_0(self) -> None:
        """Wait on a follower that can't go on until rank 0 has ended, which ends this process: were
        the follower the first, torchrun would end rank 0 before it could say why.
        """
        self._is_waiting = True
        self._is_over.wait(_PATIENCE)

    def report(self, text: str, exit_code: int) -> None:
        """Let the others know that this rank can't go on."""
        failure = Failure(self._launch.rank, text, int(exit_code))
        with self._lock, suppress(StoreGone):
            self._reports.report(failure)

    def wait_for_all(self, check: Callable[[], None]) -> None:
        """Wait until every rank has come, however long one fetches data. Raises RankFailed, and
        what `check` raises, which is called meanwhile.
        """
        while not self._has_met_all.wait(0.1):
            check()
            self.raise_failure()

    def find_failure(self, seconds: float) -> Failure | None:
        """Wait at most so long until it is known which rank has failed."""
        self._has_failed.wait(seconds)
        return self._failure

    def raise_failure(self, seconds: float = 0.0) -> None:
        """Raise RankFailed if a rank has failed; wait at most so long until that is known."""
        failure = self.find_failure(seconds)
        if failure is not None:
            raise RankFailed(self.sentence(failure), failure.exit_code)

    def sentence(self, failure: Failure) -> str:
        """Why the run ends, with the rank and its host."""
        return f"{self.describe(failure.rank)}: {failure.text}"

    def describe(self, rank: int) -> str:
        """The rank as messages name it, with its host and its device."""
        process = self.process(rank)
        place = f" (host {process.host}, device {process.device})" if process is not None else ""
        return f"rank {rank}{place}"

    def process(self, rank: int) -> RankProcess | None:
        """The process of a rank; None if it hasn't come yet."""
        seen = self._seen.get(rank)
        return seen.process if seen is not None else self._this

    def _watch(self) -> None:
        while not self._is_over.wait(_LOOK if self._has_met_all.is_set() else PRESENCE):
            now = time.monotonic()
            if now - self._looked > _LATE:
                for seen in self._seen.values():
                    seen.changed = now
            self._looked = now
            self._notice_parent()
            if self._has_store:
                try:
                    self._look(now)
                except StoreGone as error:
                    self._has_store = False
                    self._lose_store(str(error), now)
            elif self._launch.rank and self._is_rank_0_gone():
                self._leave(ExitCode.FAILED)
            if self._failure is not None:
                self._act(now)

    def _look(self, now: float) -> None:
        if now - self._beaten >= _BEAT:
            self._beats, self._beaten = self._beats + 1, now
            self._store.beat(self._beats)
        if not self._has_met_all.is_set():
            self._meet()
        if self._failure is None:
            failure = self._store.first_failure()
            if failure is None and (failure := self._find_dead(now)) is not None:
                self._store.report(failure)
            if failure is not None:
                self._fail(failure, now)
        if self._launch.rank and self._store.has_ended(0):
            self._leave(ExitCode.DONE)

    def _meet(self) -> None:
        if self._launch.rank == 0:
            self._meeting.show_presence()
        for rank, seen in self._seen.items():
            seen.process = seen.process or self._store.process(rank)
        if all(seen.process is not None for seen in self._seen.values()):
            self._has_met_all.set()

    def _find_dead(self, now: float) -> Failure | None:
        """A rank whose process is gone, or silent. Rank 0 listens to all heartbeats, the followers
        to that of rank 0.
        """
        for rank, seen in self._seen.items():
            if seen.process is None:
                continue
            if seen.process.is_gone(self._this) and not self._store.has_ended(rank):
                return Failure(rank, "it was killed, or crashed", ExitCode.FAILED)
            if self._launch.rank not in (0, rank) and rank:
                continue
            beat = self._store.beat_of(rank)
            if beat != seen.beat:
                seen.beat, seen.changed = beat, now
            elif now - seen.changed > SILENCE and not self._store.has_ended(rank):
                seen.process.kill(self._this)
                text = f"it hasn't answered for {SILENCE:.0f} seconds"
                return Failure(rank, text, ExitCode.FAILED)
        return None

    def _is_rank_0_gone(self) -> bool:
        process = self._seen[0].process
        return process is not None and process.is_gone(self._this)

    def _notice_parent(self) -> None:
        """Notice that torchrun's agent is gone."""
        if self._is_orphaned or os.getppid() == self._parent:
            return
        self._is_orphaned = True
        rank_0 = self._this if self._launch.rank == 0 else self._seen[0].process
        if self._launch.rank == 0:
            self.on_orphaned()
        elif rank_0 is None or rank_0.machine != self._this.machine:
            self.report("the torchrun that started it is gone", ExitCode.FAILED)

    def _lose_store(self, text: str, now: float) -> None:
        """Go on without the store while rank 0 of an orphaned group saves; else it is a failure."""
        if self._failure is None and not self._is_orphaned:
            failure = Failure(
                self._launch.rank, f"it has lost torchrun's store: {text}", ExitCode.FAILED
            )
            self._fail(failure, now)

    def _fail(self, failure: Failure, now: float) -> None:
        self._failure, self._failed = failure, now
        self._has_failed.set()

    def _act(self, now: float) -> None:
        """End what the rank's own thread doesn't."""
        assert self._failure is not None
        waited = now - self._failed
        if self._launch.rank == 0:
            if waited >= _GRACE and not self._is_over.is_set():
                self.on_failure(self._failure)
        elif waited >= _PATIENCE or self._failure.rank == 0 or self._is_rank_0_gone():
            self._leave(ExitCode.FAILED)

    def _leave(self, exit_code: int) -> None:
        """End the process of a follower, if its own thread doesn't do so in a moment."""
        if self._is_waiting or not self._is_over.wait(_GRACE):
            os._exit(exit_code)
