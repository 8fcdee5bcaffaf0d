"""The words of a command line give exactly the settings that they were written for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models import find_lecture, lecture_names
from models.loading.load import load_lecture
from tui_app.commands import train
from tui_app.headless import run
from tui_app.runs.settings.command_words import training_words
from tui_app.runs.settings.run_settings import RunSettings, resolve_settings

#: Settings that differ from the defaults in each kind of value: a tuple, a word, a float with many
#: digits, a boolean, texts with commas, spaces, a leading dash or nothing in them.
CHANGED = [
    ("softmax", {"widths": (512, 7), "optimizer": "rmsprop", "lr": 1 / 3, "momentum": 0.1}),
    ("softmax", {"shuffle": False, "batch_size": "full", "device": "cpu"}),
    ("07", {"dataset": "csv:a b,c.csv", "target": "y=x", "drop": 'n,"h, cm"', "threads": 3}),
    ("05", {"data_dir": "-here", "max_time": 1e-7, "validation": 0.25, "precision": "bf16"}),
]


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[RunSettings]:
    """The settings that a headless command trains with, in place of training."""
    found: list[RunSettings] = []

    def train_all(settings: list[RunSettings], *rest: object) -> int:
        found.extend(settings)
        return 0

    monkeypatch.setattr(run, "train_all", train_all)
    return found


@pytest.mark.parametrize(
    ("lecture", "given"), [*((name, {}) for name in lecture_names()), *CHANGED]
)
def test_the_words_give_the_same_settings_whatever_is_configured(
    lecture: str,
    given: dict[str, Any],
    trained: list[RunSettings],
    monkeypatch: pytest.MonkeyPatch,
):
    wanted = resolve_settings(load_lecture(find_lecture(lecture)), given)
    monkeypatch.setenv("TUTORCH_EPOCHS", "77")
    monkeypatch.setenv("TUTORCH_DATA_DIR", "/elsewhere")
    Path("tutorch.toml").write_text("seed = 5\nkeep_best = 3\n")
    assert train.main(["--no-tui", *training_words(wanted)]) == 0
    assert trained == [wanted]
