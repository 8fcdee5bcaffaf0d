"""Runs of tutorch over the pretend CUDA, and what they ask of it."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.pretend_cuda import counters
from tests.training.pretend_recorder import trained, warnings_of
from tui_app.training.recording.choice import fastest_steps

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not counters.is_loaded(), reason="runs over the pretend CUDA"),
]


def train(runs_dir: Path, **given: Any) -> dict[str, int]:
    """What a recorded run asked for."""
    counters.reset()
    run = trained(runs_dir, fastest_steps, **{"device": "cuda", "epochs": 3, **given})
    assert not [text for text in warnings_of(run) if "not recorded" in text]
    return counters.counts()


def used() -> int:
    gc.collect()
    torch.cuda.empty_cache()
    free, total = torch.cuda.mem_get_info()
    return total - free


def test_memory_is_flat_over_runs_and_their_graphs_are_freed(tmp_path: Path) -> None:
    seen = []
    for number in range(4):
        counted = train(tmp_path / str(number))
        assert counted["cudaGraphLaunch"] > 0
        seen.append(used())
        counted = counters.counts()
        assert counted["cudaGraphExecDestroy"] == counted["cudaGraphInstantiate"]
    assert len(set(seen[1:])) == 1, seen


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two cards")
def test_a_run_on_the_second_card_leaves_the_first_alone(tmp_path: Path) -> None:
    before = torch.cuda.mem_get_info(0)
    counted = train(tmp_path, device="cuda:1")
    assert torch.cuda.mem_get_info(0) == before
    assert counted["launched on device 1"] > 0
    assert "launched on device 0" not in counted
