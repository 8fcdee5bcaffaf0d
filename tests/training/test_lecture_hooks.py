"""What a lecture may do besides building its model: prepare it, and build a loss of settings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from models import LectureError, find_lecture
from models.loading.load import load_lecture
from models.user_files.trust import allow_named_file
from tests.export.test_export import losses_of_scripts
from tests.program import begin, take_up, tutorch
from tests.tolerances import FLOAT32, TRAINED
from tui_app.inspection.probe_context import context_of_run, context_of_settings
from tui_app.inspection.replay import replay
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training.prepare import prepare

SOURCE = '''"""A net that starts at the train set's mean."""

from dataclasses import dataclass

import torch
from torch import nn

from models.lecture import Hyperparameters, Lecture


@dataclass(frozen=True, kw_only=True)
class SmoothHyperparameters(Hyperparameters):
    """With label smoothing."""

    smoothing: float = 0.25
    """Label smoothing."""


def start(model, inputs):
    with torch.no_grad():
        model[1].bias.copy_(inputs.mean() + torch.rand(10, device=inputs.device))


def smooth(hp):
    return nn.CrossEntropyLoss(label_smoothing=hp.smoothing)


LECTURE = Lecture(
    title="Hooks",
    title_zh="钩子",
    datasets=("digits",),
    model=lambda spec, hp: nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.Dropout(0.1)),
    criterion=smooth,
    prepare=start,
    hyperparameters=SmoothHyperparameters(lr=0.1, batch_size=500, epochs=3),
)
'''


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "hooks.py"
    path.write_text(SOURCE, encoding="utf-8")
    allow_named_file(find_lecture(str(path)))
    return path


def test_a_new_runs_model_is_prepared_from_normalised_train_images(path: Path):
    settings = resolve_settings(load_lecture(path), {"device": "cpu", "smoothing": 0.5})
    training = prepare(settings)
    bias = training.model.get_parameter("1.bias")
    assert ((bias >= -FLOAT32) & (bias < 1 + FLOAT32)).all()  # the images' mean is 0
    assert bias.max() > 0.5
    assert training.criterion.label_smoothing == 0.5
    untrained = context_of_settings(settings).model
    assert torch.equal(untrained.get_parameter("1.bias"), bias)
    resumed = prepare(settings, is_new=False)
    assert not torch.equal(resumed.model.get_parameter("1.bias"), bias)


def test_a_prepared_run_resumes_replays_and_is_exported_exactly(path: Path, tmp_path: Path):
    whole = begin(str(path), tmp_path)
    part = begin(str(path), tmp_path, stop_after=4)
    rest = take_up(part.session)
    assert part.losses + rest.losses == whole.losses
    folder, again = whole.session.folder, []
    replay(context_of_run(folder), 9, lambda model, step, loss: again.append(loss))
    np.testing.assert_allclose(again[1:], whole.losses, rtol=TRAINED)
    script = tmp_path / "script.py"
    assert tutorch("export", folder.path, "script", "--out", script).exit_code == 0
    (exported,) = losses_of_scripts(script)
    np.testing.assert_allclose(exported, whole.losses, rtol=TRAINED)


def test_a_run_that_crashed_before_its_first_checkpoint_is_prepared_again(
    path: Path, tmp_path: Path
):
    whole = begin(str(path), tmp_path)
    folder = whole.session.folder
    for name in ("last.pt", "previous.pt", "best.pt"):
        (folder.path / name).unlink(missing_ok=True)
    folder.metrics.write_text("")
    assert take_up(whole.session).losses == whole.losses


def test_an_error_in_prepare_is_located_in_the_users_file(path: Path):
    path.write_text(SOURCE.replace("inputs.mean()", "inputs.no_mean()"), encoding="utf-8")
    settings = resolve_settings(load_lecture(path), {"device": "cpu"})
    with pytest.raises(LectureError, match=r"can't prepare its model: .*line 21.*no_mean"):
        prepare(settings)
