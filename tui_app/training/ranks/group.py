"""Joins the ranks of a run into a group, which sums, agrees and shares over torch.distributed."""

from __future__ import annotations

import json
import os
import platform
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
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

#: Seconds to wait for the report of the failure that broke a connection: a rank that was killed
#: writes none itself.
REPORT_SECONDS = 5.0

#: How long the ranks of a group wait for each other to start.
START_TIMEOUT = timedelta(minutes=10)


#: The groups that were left, which a process keeps until it ends: freeing one waits for a thread of
#: torch's with the GIL held, and that thread may need the GIL to free a tensor (seen in torch 2.4).
_left: list[object] = []


@dataclass(frozen=True)
class Failure:
    """Why a rank can't go on: a sentence, and the exit code that it means."""

    rank: int
    text: str
    exit_code: int


def join(launch: Launch, device_type: str, attempt: str = "") -> Group:
    """Meet the other ranks that torchrun has started, and wait until all are there.

    `device_type` is `cuda`, where each local rank has the card of its number, or `cpu`. All ranks
    give the same `attempt`. Whoever calls it closes the group. Raises RankFailed if not all ranks
    come.
    """
    device = f"cuda:{launch.local_rank}" if device_type == "cuda" else "cpu"
    if device_type == "cuda":
        torch.cuda.set_device(launch.local_rank)
    # Before 2.6, torch warns of its own way to read the tensors in an object that was sent.
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"torch\.storage")
    try:
        store = connect(launch, attempt)
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
        failures = PrefixStore("failures", connect(launch, attempt))
        member = Member(launch.rank, platform.node(), os.getpid(), device)
        return Group(launch, member, host, failures)
    except (RuntimeError, ValueError) as error:
        first_line = (str(error).splitlines() or [""])[0]
        raise RankFailed(
            f"rank {launch.rank} of {launch.count} couldn't meet the others: {first_line}",
            ExitCode.FAILED,
        ) from error


def connect(launch: Launch, attempt: str = "") -> Store:
    """A client of the store in which the ranks meet, torchrun's own if it offers one.

    It may hold what ranks wrote that torchrun has restarted since: an `attempt` has its own keys.
    """
    meeting = rendezvous("env://", launch.rank, launch.count, timeout=START_TIMEOUT)
    store, _, _ = next(iter(meeting))
    return PrefixStore(f"tutorch {attempt}", store)


class Group:
    """One rank of several, as `Ranks` describes it. The model's tensors travel over NCCL or gloo,
    as the device demands; all else over gloo, on the host.
    """

    def __init__(self, launch: Launch, member: Member, host: Any, failures: Store) -> None:
        self.launch = launch
        self.rank = launch.rank
        self.count = launch.count
        self.local_count = launch.local_count
        self.writes = launch.rank == 0
        self._device = member.device
        self._host = host
        self._failures = failures
        self._has_left = False
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
        if self._has_left:
            return decide()
        answer: list[Any] = [None, ""]
        if self.rank == 0:
            try:
                answer[0] = decide()
            except Exception as error:
                self._broadcast_object([None, str(error) or type(error).__name__])
                raise
        value, problem = self._broadcast_object(answer)
        if problem:
            raise RankFailed(f"{self.describe(0)}: {problem}", ExitCode.FAILED)
        return value

    def gather(self, value: T) -> list[T]:
        """The value of every rank, on rank 0."""
        if self._has_left:
            return [value]
        values: list[Any] | None = [None] * self.count if self.rank == 0 else None
        with self._connected():
            dist.gather_object(value, values, 0, self._host)
        return values or []

    def sum(self, values: Sequence[float]) -> list[float]:
        """The sums over all ranks."""
        if self._has_left:
            return list(values)
        sums = torch.tensor(values, dtype=torch.float64)
        with self._connected():
            dist.all_reduce(sums, group=self._host)
        return sums.tolist()

    def sum_on_device(self, tensor: Tensor) -> None:
        """Sum in place."""
        with self._connected():
            dist.all_reduce(tensor)

    @torch.no_grad()
    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Overwrite the tensors by those of rank 0, all in one message."""
        tensors = list(tensors)
        if self._has_left or not tensors:
            return
        flats = [each.detach().contiguous().reshape(-1).view(torch.uint8) for each in tensors]
        message = torch.cat(flats)
        with self._connected():
            dist.broadcast(message, 0)
        for tensor, piece in zip(tensors, message.split([len(f) for f in flats]), strict=True):
            tensor.copy_(piece.clone().view(tensor.dtype).view(tensor.shape))

    def leave(self, text: str, exit_code: int) -> None:
        """Report the failure of this rank, and ask nobody any more."""
        if not self._has_left:
            self._has_left = True
            with suppress(RuntimeError):  # the store is gone with the process that held it
                self.report_failure(text, exit_code)

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
            _left.append((dist.group.WORLD, self._host))
            dist.destroy_process_group()

    def _broadcast_object(self, value: list[Any]) -> list[Any]:
        """The list that rank 0 sends."""
        with self._connected():
            dist.broadcast_object_list(value, 0, self._host)
        return value

    def _gather_everywhere(self, value: T) -> list[T]:
        values: list[Any] = [None] * self.count
        dist.all_gather_object(values, value, self._host)
        return values

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Raise RankFailed where torch reports that the connection to another rank broke."""
        try:
            yield
        except RuntimeError as error:
            self._has_left = True
            raise self._failure_of(error) from error

    def _failure_of(self, error: RuntimeError) -> RankFailed:
        """The failure that another rank, or the watch, reported; it may come after the break."""
        deadline = time.monotonic() + REPORT_SECONDS
        while not (failures := self._reported()) and time.monotonic() < deadline:
            time.sleep(0.1)
        for failure in failures:
            text = f"{self.describe(failure.rank)}: {failure.text}"
            return RankFailed(text, failure.exit_code)
        first_line = (str(error).splitlines() or [""])[0]
        return RankFailed(f"the connection to another rank broke: {first_line}", ExitCode.FAILED)

    def _reported(self) -> list[Failure]:
        try:
            return self.failures()
        except RuntimeError:  # the rank that has died held the store
            return []
