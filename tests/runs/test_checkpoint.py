"""Writes and reads one checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tui_app.runs.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from tui_app.runs.errors import DamagedRun


def test_a_failed_write_leaves_the_old_checkpoint_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"step": 1})
    with pytest.raises(AttributeError):
        save_checkpoint(path, {"step": lambda: None})  # can't be pickled
    assert load_checkpoint(path) == {"step": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.pt"]


def test_a_truncated_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"weights": torch.zeros(1000)})
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DamagedRun, match=r"last\.pt"):
        load_checkpoint(path)
