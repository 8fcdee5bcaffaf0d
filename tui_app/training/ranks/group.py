"""Joins the ranks of a run into a group, which sums, agrees and shares over torch.distributed."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from tui_app.runs.errors import RankFailed
from tui_app.runs.exit_codes import ExitCode
from tui_app.training.ranks.launch import Launch
from tui_app.training.ranks.ranks import Member

T = TypeVar("T")

#: How long a rank waits for another: a pause repeats its agreement every second, but a request of
#: the user may keep rank 0 busy for long. The watch of the ranks ends a group whose member died.
_TIMEOUT = timedelta(days=1)

#: How long the ranks of a group wait for each other to start.
_START_TIMEOUT = timedelta(minutes=10)


@dataclass(frozen=True)
class Failure:
    """Why a rank can't go on: a sentence, and the exit code that it means."""

    rank: int
    text: str
    exit_code: int


def join(launch: Launch, device_type: str) -> Group:
    """Meet the other ranks that torchrun has started, and wait until all are there.

    `device_type` is `cuda`, where each local rank has the card of its number, or `cpu`. Whoever
    calls it closes the group. Raises RankFailed if not all ranks come.
    """
    device = f"cuda:{launch.local_rank}" if device_type == "cuda" else "cpu"
    if device_type == "cuda":
        torch.cuda.set_device(launch.local_rank)
    try:
        store = _store(launch)
        dist.init_process_group(
            "nccl" if device_type == "cuda" else "gloo",
            store=PrefixStore("group", store),
            rank=launch.rank,
            world_size=launch.count,
            timeout=_TIMEOUT,
        )
        host = dist.group.WORLD
        if device_type == "cuda":  # what the host decides must not wait for the cards
            host = dist.new_group(backend="gloo", timeout=_TIMEOUT)
        # A client of its own: one that waits in another thread would block it.
        failures = PrefixStore("failures", _store(launch))
        member = Member(launch.rank, platform.node(), os.getpid(), device)
        return Group(launch, member, host, failures)
    except (RuntimeError, ValueError) as error:
        first_line = (str(error).splitlines() or [""])[0]
        raise RankFailed(
            f"rank {launch.rank} of {launch.count} couldn't meet the others: {first_line}",
            ExitCode.FAILED,
        ) from error


def _store(launch: Launch) -> Store:
    """The store in which the ranks meet; torchrun's own if it offers one."""
    meeting = rendezvous("env://", launch.rank, launch.count, timeout=_START_TIMEOUT)
    store, _, _ = next(iter(meeting))
    return store


class Group:
    """One rank of several, as `Ranks` describes it."""

    def __init__(self, launch: Launch, member: Member, host: Any, failures: Store) -> None:
        self.launch = launch
        self.rank = launch.rank
        self.count = launch.count
        self._device = member.device
        self._host = host
        self._failures = failures
        self.members: Sequence[Member] = self._gather_everywhere(member)

    def device_name(self, requested: str) -> str:
        """The device that this rank has joined with."""
        return self._device

    def share(self, size: int) -> slice:
        """A contiguous part; the first ranks have a sample more if the size can't be divided."""
        least, rest = divmod(size, self.count)
        start = self.rank * least + min(self.rank, rest)
        return slice(start, start + least + (self.rank < rest))

    def agree(self, decide: Callable[[], T]) -> T:
        """What `decide` returns on rank 0."""
        answer: list[Any] = [None, None]
        if self.rank == 0:
            try:
                answer[0] = decide()
            except Exception as error:
                with _broken(self):
                    dist.broadcast_object_list([None, str(error)], 0, self._host)
                raise
        with _broken(self):
            dist.broadcast_object_list(answer, 0, self._host)
        value, problem = answer
        if problem is not None:
            raise RankFailed(f"{self.describe(0)} failed: {problem}", ExitCode.FAILED)
        return value

    def gather(self, value: T) -> list[T]:
        """The value of every rank, on rank 0."""
        values: list[Any] | None = [None] * self.count if self.rank == 0 else None
        with _broken(self):
            dist.gather_object(value, values, 0, self._host)
        return values or []

    def sum(self, values: Sequence[float]) -> list[float]:
        """The sums over all ranks."""
        sums = torch.tensor(values, dtype=torch.float64)
        with _broken(self):
            dist.all_reduce(sums, group=self._host)
        return sums.tolist()

    def sum_on_device(self, tensor: Tensor) -> None:
        """Sum in place."""
        with _broken(self):
            dist.all_reduce(tensor)

    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Overwrite the tensors by those of rank 0."""
        with _broken(self), torch.no_grad():
            for tensor in tensors:
                dist.broadcast(tensor, 0)

    def report_failure(self, text: str, exit_code: int, rank: int | None = None) -> None:
        """Publish why this rank, or another one that can't say so itself, can't go on."""
        failure = Failure(self.rank if rank is None else rank, text, int(exit_code))
        number = self._failures.add("count", 1)
        self._failures.set(str(number), json.dumps(asdict(failure)))

    def failures(self) -> list[Failure]:
        """What was reported, first to last."""
        count = self._failures.add("count", 0)
        texts = (self._failures.get(str(number)) for number in range(1, count + 1))
        return [Failure(**json.loads(text)) for text in texts]

    def describe(self, rank: int) -> str:
        """The rank as messages name it, with its host and its device."""
        member = self.members[rank]
        return f"rank {rank} (host {member.host}, device {member.device})"

    def close(self) -> None:
        """Leave the group."""
        if dist.is_initialized():
            dist.destroy_process_group()

    def _gather_everywhere(self, value: T) -> list[T]:
        values: list[Any] = [None] * self.count
        dist.all_gather_object(values, value, self._host)
        return values


@contextmanager
def _broken(group: Group) -> Iterator[None]:
    """Raise RankFailed where torch reports that a connection to another rank broke."""
    try:
        yield
    except RuntimeError as error:
        for failure in group.failures():
            text = f"{group.describe(failure.rank)} failed: {failure.text}"
            raise RankFailed(text, failure.exit_code) from error
        first_line = (str(error).splitlines() or [""])[0]
        text = f"the connection to another rank broke: {first_line}"
        raise RankFailed(text, ExitCode.FAILED) from error
