"""What a lecture may do besides building its model: prepare it, and build a loss of settings."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models import LectureError, find_lecture
from models.loading.load import load_lecture
from models.user_files.trust import allow_named_file
from tests.export.test_export import losses_of_scripts
from tests.program import begin, take_up, tutorch
from tests.tolerances import FLOAT32, TRAINED
from tui_app.inspection.probe_context import context_of_run, context_of_settings
from tui_app.inspection.replay import replay
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training.devices.threads import ThreadChoice, threads_kept, use_threads
from tui_app.training.prepare import prepare
from tui_app.training.resume import resume_run
from tui_app.training.steering.control import Control

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

#: The first two biases say with how many threads the net was built and prepared.
COUNTING = SOURCE.replace(
    "def start(model, inputs):",
    """\
def count_threads(model, bias=0):
    with torch.no_grad():
        model[1].bias[bias] = torch.get_num_threads()
    return model


def start(model, inputs):
    count_threads(model, 1)
    return""",
).replace(
    "nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.Dropout(0.1))",
    """count_threads(
        nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.Dropout(0.1))
    )""",
)


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


def test_the_first_weights_never_depend_on_the_threads_chosen_or_used_before(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path.write_text(COUNTING, encoding="utf-8")
    allow_named_file(find_lecture(str(path)))
    choice = ThreadChoice(2, "measured: 2 are faster")
    monkeypatch.setattr("tui_app.training.prepare.choose_threads", lambda *args: choice)

    def counts(model: nn.Module) -> list[float]:
        return model.get_parameter("1.bias")[:2].tolist()

    with threads_kept():
        use_threads(3)  # as an earlier run of a sweep may leave it
        settings = resolve_settings(load_lecture(path), {"device": "cpu"})
        assert counts(prepare(settings).model) == [1, 1]
        use_threads(3)
        assert counts(context_of_settings(settings).model) == [1, 1]
        assert torch.get_num_threads() == 3
        fixed = resolve_settings(load_lecture(path), {"device": "cpu", "threads": 2})
        assert counts(prepare(fixed).model) == [2, 2]

        folder = begin(str(path), tmp_path, stop_after=2).session.folder
        control = Control()
        resume_run(folder, control, lambda progress: None, threads=3).train(control, [])
        assert folder.read_record().options["threads"] == 3
        seen: list[list[float]] = []
        replay(context_of_run(folder), 1, lambda model, step, loss: seen.append(counts(model)))
        assert seen[0] == [1, 1]
        script = tmp_path / "script.py"
        assert tutorch("export", folder.path, "script", "--out", script).exit_code == 0
        set_to = re.findall(r"^torch\.set_num_threads\((\d)\)", script.read_text(), re.MULTILINE)
        assert set_to == ["1", "2"]  # the weights, and the steps


def test_an_error_in_prepare_is_located_in_the_users_file(path: Path):
    path.write_text(SOURCE.replace("inputs.mean()", "inputs.no_mean()"), encoding="utf-8")
    settings = resolve_settings(load_lecture(path), {"device": "cpu"})
    with pytest.raises(LectureError, match=r"can't prepare its model: .*line 21.*no_mean"):
        prepare(settings)
