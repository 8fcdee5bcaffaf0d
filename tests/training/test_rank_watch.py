"""What a follower does when rank 0 doesn't come, or has ended, with a store that is in memory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import chain, repeat

import pytest
from torch._C._distributed_c10d import HashStore
from torch.distributed.distributed_c10d import PrefixStore, Store

from tests.program import LONGEST
from tui_app.runs.errors import RankFailed
from tui_app.runs.process_identity import identity
from tui_app.training.ranks import rank_store, rank_watch
from tui_app.training.ranks.launch import Launch
from tui_app.training.ranks.rank_identity import RankProcess
from tui_app.training.ranks.rank_store import Meeting, RankStore
from tui_app.training.ranks.rank_watch import RankWatch

RANK_0 = Launch(rank=0, count=2, local_rank=0, local_count=2)
FOLLOWER = Launch(rank=1, count=2, local_rank=1, local_count=2)


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = HashStore()

    def connect(launch: Launch, attempt: str = "") -> Store:
        return PrefixStore(attempt, shared)

    monkeypatch.setattr(rank_store, "connect", connect)


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when this process would have ended at once."""
    ended = threading.Event()
    monkeypatch.setattr(rank_watch.os, "_exit", lambda exit_code: ended.set())
    return ended


@contextmanager
def rank_0_present() -> Iterator[subprocess.Popen[bytes]]:
    """Rank 0 is another process, for which this one shows that it is there."""
    meeting, is_over = Meeting(RANK_0), threading.Event()
    meeting.open()

    def show() -> None:
        while not is_over.wait(rank_store.PRESENCE):
            meeting.show_presence()

    presence = threading.Thread(target=show)
    presence.start()
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    this = RankProcess.of_this(0, "cpu")
    rank_0 = replace(this, pid=process.pid, identity=identity(process.pid))
    RankStore(RANK_0, meeting.attempt).register(rank_0)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
        is_over.set()
        presence.join()


def test_a_follower_doesnt_wait_for_ever_for_a_rank_0_that_isnt_there(
    monkeypatch: pytest.MonkeyPatch,
):
    Meeting(RANK_0).open()  # an attempt whose rank 0 was killed
    with monkeypatch.context() as patch, pytest.raises(RankFailed, match="hasn't met rank 0"):
        patch.setattr(rank_store, "START_TIMEOUT", timedelta(seconds=0.2))
        RankWatch(FOLLOWER, "cpu")
    parents = chain([os.getppid()] * 10, repeat(1))
    monkeypatch.setattr(rank_store.os, "getppid", lambda: next(parents))
    with pytest.raises(RankFailed, match="torchrun that started it is gone"):
        RankWatch(FOLLOWER, "cpu")


@pytest.mark.skipif(sys.platform != "linux", reason="ranks are found in /proc")
def test_a_follower_that_failed_ends_as_soon_as_rank_0_has(
    ended: threading.Event, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rank_watch, "_PATIENCE", LONGEST)
    with rank_0_present() as rank_0, RankWatch(FOLLOWER, "cpu") as watch:
        watch.wait_for_all(lambda: None)
        watch.report("a step failed", 1)
        assert watch.find_failure(LONGEST) is not None
        waiting = threading.Thread(target=watch.wait_for_rank_0)
        waiting.start()
        assert not ended.is_set()
        rank_0.kill()
        rank_0.wait()
        assert ended.wait(20)
    waiting.join()
