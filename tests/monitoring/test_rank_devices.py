"""The devices of a run's ranks: what status.json says of them, and their load in a line."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from tui_app.monitoring import system_stats
from tui_app.monitoring.system_stats import read_rank_stats
from tui_app.runs.rank_devices import RankDevice, rank_devices, ranks_text

HERE = socket.gethostname()


def ranks(*devices: str, host: str = HERE, first: int = 0) -> tuple[RankDevice, ...]:
    return tuple(RankDevice(rank, host, device) for rank, device in enumerate(devices, first))


def plain(*found: RankDevice) -> dict[str, Any]:
    return {"ranks": [vars(rank) for rank in found]}


def test_they_are_read_by_rank():
    found = ranks("cuda:0", "cuda:1")
    assert rank_devices(plain(*reversed(found))) == found
    assert rank_devices({}) == rank_devices({"ranks": []}) == ()


@pytest.mark.parametrize(
    "damaged",
    [
        {"ranks": "cuda"},
        {"ranks": [1, 2]},
        {"ranks": [{}] * 2},
        {"ranks": [{"rank": 0, "host": "a", "device": 3}] * 2},
        {"ranks": [{"rank": True, "host": "a", "device": "cpu"}] * 2},
        {"ranks": [{"rank": 0, "host": "a", "device": "cpu"}] * 5000},
    ],
)
def test_damaged_ones_are_none(damaged: dict[str, Any]):
    assert rank_devices(damaged) == ()


def test_their_names_hold_no_control_codes():
    (first, _) = rank_devices(plain(*ranks("\x1b[31mcpu", "cpu", host="\x1b]0;x\x07")))
    assert "\x1b" not in first.device + first.host


def test_they_are_named_with_their_hosts_where_they_are_several():
    assert ranks_text(()) == ""
    assert ranks_text(ranks("cpu", "cpu")) == "2 devices: cpu, cpu"
    far = ranks("cuda:0", host="node2", first=1)
    assert ranks_text((*ranks("cuda:0", host="node1"), *far)) == (
        "2 devices: node1 cuda:0; node2 cuda:0"
    )


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight GPUs: card n is 90 + n % busy, and uses n GiB of 80."""
    monkeypatch.setattr("tui_app.training.devices.nvidia.gpu_handle", lambda index: index)
    memory = lambda index: SimpleNamespace(used=index * 2**30, total=80 * 2**30)  # noqa: E731
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", memory)
    load = lambda index: SimpleNamespace(gpu=90 + index)  # noqa: E731
    monkeypatch.setattr(pynvml, "nvmlDeviceGetUtilizationRates", load)


@pytest.mark.usefixtures("cards")
def test_each_card_has_its_load():
    assert (
        read_rank_stats(ranks("cuda:0", "cuda:1")) == "GPU 0  90 %  0.0 GiB  GPU 1  91 %  1.0 GiB"
    )
    four = [f"cuda:{index}" for index in range(4)]
    assert read_rank_stats(ranks(*four)) == "GPU 0-3  90 91 92 93 %  3.0 of 80 GiB"
    assert read_rank_stats(ranks("cuda:0", "cuda:2", "cuda:5")).startswith("GPU 0,2,5  90 92 95 %")
    far = ranks("cuda:0", "cuda:1", host="node2", first=1)
    assert read_rank_stats((*ranks("cuda:3"), *far)) == "GPU 3  93 %  3.0 GiB  2 on node2"


def test_ranks_on_the_cpu_share_its_load(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(system_stats, "_processor", lambda: "CPU  12 % of 8 cores")
    assert read_rank_stats(ranks("cpu", "cpu")) == "2 × CPU  12 % of 8 cores"
    assert read_rank_stats(ranks("cpu", "cpu", host="node2")) == "2 on node2"
