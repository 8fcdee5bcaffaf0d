"""Random number generators continue where their state was saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tui_app.runs.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from tui_app.training.seeding import (
    restore_rng_state,
    rng_state,
    seed_everything,
    state_of_one_card,
)

CPU = torch.device("cpu")


def test_random_numbers_continue_from_a_saved_state(tmp_path: Path) -> None:
    def draw() -> tuple[float, float]:
        return torch.rand(1).item(), float(np.random.rand())

    seed_everything(5)
    draw()
    save_checkpoint(tmp_path / "state.pt", rng_state(CPU))
    expected = draw()
    restore_rng_state(load_checkpoint(tmp_path / "state.pt"), CPU)
    assert draw() == expected


def test_a_state_is_of_the_training_device_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a run resumes on a machine with another number of GPUs."""
    restored: list[object] = []
    monkeypatch.setattr("torch.cuda.get_rng_state", lambda device: torch.tensor([device.index]))
    monkeypatch.setattr("torch.cuda.set_rng_state", lambda *given: restored.append(given))
    state = rng_state(torch.device("cuda:3"))
    assert state["cuda"].tolist() == [3]
    restore_rng_state(state, torch.device("cuda:0"))
    assert restored == [(state["cuda"], torch.device("cuda:0"))]
    restore_rng_state(state, CPU)
    restore_rng_state(rng_state(CPU), torch.device("cuda:0"))
    assert len(restored) == 1


@pytest.mark.parametrize(
    ("trained_on", "expected"), [("cuda:1", 11), ("cuda", 10), ("cuda:2", None), ("cpu", None)]
)
def test_a_checkpoint_of_an_earlier_version_has_a_list_of_all_cards(
    trained_on: str, expected: int | None
) -> None:
    assert state_of_one_card({"cuda": [10, 11]}, trained_on)["cuda"] == expected
