"""Reads from status.json which device each rank of a run on several devices trains on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tui_app.runs.settings.run_options import MOST_DEVICES
from tui_app.text.escaping import printable

#: The most characters of the name of a host, or of a device.
_LONGEST = 64


@dataclass(frozen=True)
class RankDevice:
    """The device of one rank, such as `cuda:1`, and the machine that it is in."""

    rank: int
    host: str
    device: str


def rank_devices(status: Mapping[str, Any]) -> tuple[RankDevice, ...]:
    """The ranks in a status, by rank; none for a run on one device, or where they are damaged."""
    ranks = status.get("ranks")
    if not isinstance(ranks, list) or not 1 < len(ranks) <= MOST_DEVICES:
        return ()
    found = [_rank_device(values) for values in ranks if isinstance(values, dict)]
    whole = [rank for rank in found if rank is not None]
    return tuple(sorted(whole, key=lambda rank: rank.rank)) if len(whole) == len(ranks) else ()


def _rank_device(values: Mapping[str, Any]) -> RankDevice | None:
    rank, host, device = (values.get(name) for name in ("rank", "host", "device"))
    if type(rank) is not int or not isinstance(host, str) or not isinstance(device, str):
        return None
    return RankDevice(rank, printable(host[:_LONGEST]), printable(device[:_LONGEST]))


def ranks_text(ranks: Sequence[RankDevice]) -> str:
    """The devices of the ranks: `2 devices: cpu, cpu`, with the hosts where they are several."""
    if not ranks:
        return ""
    hosts = list(dict.fromkeys(rank.host for rank in ranks))
    groups = [[rank.device for rank in ranks if rank.host == host] for host in hosts]
    named = [", ".join(devices) for devices in groups]
    if len(hosts) > 1:
        named = [f"{host} {devices}" for host, devices in zip(hosts, named, strict=True)]
    return f"{len(ranks)} devices: {'; '.join(named)}"
