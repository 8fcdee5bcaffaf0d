"""Random number generators continue where their state was saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from tui_app.runs.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from tui_app.training.seeding import restore_rng_state, rng_state, seed_everything


def test_random_numbers_continue_from_a_saved_state(tmp_path: Path) -> None:
    def draw() -> tuple[float, float]:
        return torch.rand(1).item(), float(np.random.rand())

    seed_everything(5)
    draw()
    save_checkpoint(tmp_path / "state.pt", rng_state())
    expected = draw()
    restore_rng_state(load_checkpoint(tmp_path / "state.pt"))
    assert draw() == expected
