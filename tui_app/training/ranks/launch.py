"""Reads from the environment which rank of a group this process is, without importing torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Launch:
    """How torchrun started this process, as its environment variables say.

    It is the rank `rank` of `count`, and `local_rank` of the `local_count` on this node; there are
    `nodes` nodes. `run_id` is that of the job, and `restart_count` says how often torchrun has
    started the group again.
    """

    rank: int
    count: int
    local_rank: int
    local_count: int
    nodes: int = 1
    run_id: str = ""
    restart_count: int = 0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Launch | None:
        """The launch that the variables describe; None if torchrun didn't start this process.

        Raises ValueError for a variable that isn't a number.
        """
        if not all(environment.get(name) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")):
            return None
        count = int(environment["WORLD_SIZE"])
        return cls(
            rank=int(environment["RANK"]),
            count=count,
            local_rank=int(environment["LOCAL_RANK"]),
            local_count=int(environment.get("LOCAL_WORLD_SIZE", count)),
            nodes=int(environment.get("GROUP_WORLD_SIZE", 1)),
            run_id=environment.get("TORCHELASTIC_RUN_ID", ""),
            restart_count=int(environment.get("TORCHELASTIC_RESTART_COUNT", 0)),
        )
