"""Groups of weights with an lr, a schedule, decay and momentum of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from models import LectureError, find_lecture
from models.fields import InvalidValue
from models.loading.load import load_lecture
from models.user_files.trust import allow_named_file
from tests.export.test_export import losses_of_scripts
from tests.program import begin, take_up, train, tutorch
from tests.tolerances import FLOAT64, TRAINED
from tui_app.inspection.probe_context import context_of_run
from tui_app.inspection.replay import replay
from tui_app.runs.settings.run_settings import RunSettings, resolve_settings
from tui_app.training.prepare import check_models, prepare

SOURCE = '''"""A net whose layers are trained differently."""

from torch import nn

from models.lecture import Hyperparameters, Lecture, ParameterGroup


def groups(model, hp):
    """The biases with a large lr that falls to 0 in half of the run, the first layer, the last."""
    biases = [weight for weight in model.parameters() if weight.ndim == 1]
    return [
        ParameterGroup(weights=biases, lr_factor=3.0, lr_schedule="linear", share=0.5),
        ParameterGroup(weights=[model[0].weight], weight_decay=0.01),
        ParameterGroup(weights=[model[2].weight], lr_factor=0.5, momentum=0.0),
    ]


LECTURE = Lecture(
    title="Groups",
    title_zh="分组",
    datasets=("study-hours",),
    model=lambda spec, hp: nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, 1)),
    criterion=nn.MSELoss,
    parameter_groups=groups,
    hyperparameters=Hyperparameters(
        lr=0.02, momentum=0.5, nesterov=True, lr_schedule="cosine", batch_size=1, epochs=8
    ),
)
'''


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "groups.py"
    path.write_text(SOURCE, encoding="utf-8")
    allow_named_file(find_lecture(str(path)))
    return path


def lrs(optimizer: torch.optim.Optimizer) -> list[float]:
    return [group["lr"] for group in optimizer.param_groups]


def test_every_group_has_its_own_settings(path: Path):
    training = prepare(resolve_settings(load_lecture(path), {"device": "cpu"}))
    biases, first, last = training.optimizer.param_groups
    assert (first["weight_decay"], biases["weight_decay"]) == (0.01, 0.0)
    assert (first["momentum"], last["momentum"]) == (0.5, 0.0)
    assert (first["nesterov"], last["nesterov"]) == (True, False)
    steps = 8 * len(training.batches)
    expected = {
        0: [0.06, 0.02, 0.01],
        steps // 4: [0.03, 0.02 * (1 + np.sqrt(0.5)) / 2, 0.01 * (1 + np.sqrt(0.5)) / 2],
        steps // 2: [0.0, 0.01, 0.005],
    }
    for step, values in expected.items():
        training.step = step
        training.apply_lr()
        assert lrs(training.optimizer) == pytest.approx(values, abs=FLOAT64)
    assert training.current_lr == pytest.approx(0.01, rel=FLOAT64)
    training.lr = 0.2  # as it is set by hand
    training.apply_lr()
    assert lrs(training.optimizer) == pytest.approx([0.0, 0.1, 0.05], abs=FLOAT64)


def test_a_run_with_groups_resumes_replays_and_is_exported_exactly(path: Path, tmp_path: Path):
    whole = begin(str(path), tmp_path)
    part = begin(str(path), tmp_path, stop_after=7)
    rest = take_up(part.session)
    assert part.losses + rest.losses == whole.losses
    folder, again = whole.session.folder, []
    context = context_of_run(folder)
    replay(context, len(whole.losses), lambda model, step, loss: again.append(loss))
    np.testing.assert_allclose(again[1:], whole.losses, rtol=TRAINED)
    script = tmp_path / "script.py"
    assert tutorch("export", folder.path, "script", "--out", script).exit_code == 0
    (exported,) = losses_of_scripts(script)
    np.testing.assert_allclose(exported, whole.losses, rtol=TRAINED)


def test_an_extended_run_starts_the_schedules_of_all_groups_anew(path: Path, tmp_path: Path):
    run = train(path, "--lr-schedule", "none", "--epochs", 4, "--runs-dir", tmp_path)
    ended = tutorch("resume", run, "--epochs", 8, "--no-tui")
    assert "a linear schedule has a fixed length: a new one runs from step" in ended.err


def test_groups_and_optimizers_of_all_runs_are_checked_before_the_first_trains(path: Path):
    def of(optimizer: str) -> RunSettings:
        return resolve_settings(load_lecture(path), {"optimizer": optimizer})

    with pytest.raises(InvalidValue, match="lbfgs takes all weights as one"):
        check_models([of("sgd"), of("lbfgs")])
    path.write_text(SOURCE.replace("[model[0].weight]", "[model[2].weight]"), encoding="utf-8")
    with pytest.raises(LectureError, match=r"0\.weight is in none of the groups"):
        check_models([of("sgd")])


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("[model[0].weight]", "[model[2].weight]", r"0\.weight is in none of the groups"),
        ("weights=biases", "weights=model.parameters()", r"weight is in 2 of the groups"),
    ],
)
def test_a_weight_in_no_group_or_in_two_is_refused(path: Path, old: str, new: str, text: str):
    path.write_text(SOURCE.replace(old, new), encoding="utf-8")
    with pytest.raises(LectureError, match=rf"^groups\.py line \d+: .*{text}"):
        prepare(resolve_settings(load_lecture(path), {"device": "cpu"}))


def test_lbfgs_is_refused_and_every_other_optimizer_takes_groups(path: Path, tmp_path: Path):
    with pytest.raises(InvalidValue, match="lbfgs takes all weights as one"):
        prepare(resolve_settings(load_lecture(path), {"device": "cpu", "optimizer": "lbfgs"}))
    for optimizer in ("adagrad", "adam", "adamax", "asgd", "rmsprop", "rprop"):
        assert begin(str(path), tmp_path, optimizer=optimizer, epochs=1).completed.exit_code == 0
