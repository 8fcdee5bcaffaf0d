"""Says what the loop asks the ranks that train a run: what to share, to sum and to agree on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from torch import Tensor

T = TypeVar("T")


@dataclass(frozen=True)
class Member:
    """A rank of a group: the process that it is, its host and its device (`cuda:1`)."""

    rank: int
    host: str
    pid: int
    device: str


class Ranks(Protocol):
    """The ranks that train a run: each is a process that runs the same loop on its share of every
    batch. Rank 0 writes the run folder and is the one that users and signals reach.

    All ranks of a group must call `agree`, `gather`, `sum`, `sum_on_device` and `broadcast` in the
    same order: each waits for the others. These raise RankFailed if another rank has failed.
    """

    rank: int
    count: int
    local_count: int
    """How many of the ranks are on this machine."""

    @property
    def writes(self) -> bool:
        """Whether this rank writes the run folder: rank 0 does."""
        ...

    @property
    def members(self) -> Sequence[Member]:
        """Every rank, by its number; none if the run is trained by one process alone."""
        ...

    def device_name(self, requested: str) -> str:
        """The device of this rank, if the user `requested` this one."""
        ...

    def share(self, size: int) -> slice:
        """The part that this rank has of `size` samples. It may be empty; rank 0's is only if all
        are.
        """
        ...

    def agree(self, decide: Callable[[], T]) -> T:
        """What `decide` returns on rank 0, which alone calls it. An error that it raises there ends
        all ranks.
        """
        ...

    def gather(self, value: T) -> list[T]:
        """The value of every rank, by its number, on rank 0; empty on the others."""
        ...

    def sum(self, values: Sequence[float]) -> list[float]:
        """Each of the values summed over the ranks, in float64: the same bits on all of them."""
        ...

    def sum_on_device(self, tensor: Tensor) -> None:
        """Sum a tensor over the ranks in place, on the training device."""
        ...

    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Overwrite the tensors, which are on the training device, by those of rank 0."""
        ...

    def leave(self, text: str, exit_code: int) -> None:
        """Let the other ranks know why this one can't go on, unless another has failed before.

        From now on this rank asks nobody: it agrees with itself, and sums its own values.
        """
        ...


class Alone:
    """The one process of a run that isn't shared."""

    rank = 0
    count = 1
    local_count = 1
    writes = True
    members: Sequence[Member] = ()

    def device_name(self, requested: str) -> str:
        """The requested one."""
        return requested

    def share(self, size: int) -> slice:
        """All samples."""
        return slice(0, size)

    def agree(self, decide: Callable[[], T]) -> T:
        """What `decide` returns."""
        return decide()

    def gather(self, value: T) -> list[T]:
        """The value."""
        return [value]

    def sum(self, values: Sequence[float]) -> list[float]:
        """The values."""
        return list(values)

    def sum_on_device(self, tensor: Tensor) -> None:
        """Leave the tensor as it is."""

    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Leave the tensors as they are."""

    def leave(self, text: str, exit_code: int) -> None:
        """Do nothing: there is no other rank."""


ALONE = Alone()
