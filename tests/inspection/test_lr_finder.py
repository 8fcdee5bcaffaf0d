"""The learning-rate finder: its limits against theory, and its suggestions against real runs."""

from __future__ import annotations

import math
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from datasets import read_dataset
from models import find_lecture, lecture_names
from models.fields import InvalidValue
from models.loading.load import load_lecture
from models.user_files.trust import allow_named_file
from tests.program import begin, few_samples, names
from tests.tolerances import FLOAT32, FLOAT64
from tui_app.inspection.lr_finder import finder, limit
from tui_app.inspection.lr_finder.curve import SmoothedLoss, find_fall, rising_lrs
from tui_app.inspection.lr_finder.finder import LrRange, find_lr
from tui_app.inspection.lr_finder.finding import LrFinding
from tui_app.inspection.lr_finder.limit import PRECISION, find_limit, first_that_trains
from tui_app.inspection.lr_finder.restarts import Restarts
from tui_app.inspection.lr_finder.trial import Trial
from tui_app.runs.settings.run_settings import RunSettings, resolve_settings
from tui_app.training import prepare as prepare_module
from tui_app.training.prepare import prepare
from tui_app.training.seeding import host_rng_state


def settings_of(lecture: str, **given: Any) -> RunSettings:
    path = find_lecture(lecture)
    allow_named_file(path)
    return resolve_settings(load_lecture(path), {"device": "cpu", **given})


def find(lecture: str, **given: Any) -> LrFinding:
    return find_lr(settings_of(lecture, **given))


# The limit


def gradient_descent_on(data: str) -> float:
    """2 / curvature of lecture 3's mean squared error of y = wx."""
    x = read_dataset(data).train.inputs
    return 2 / float(2 * (x**2).mean())


def linear_regression(momentum: float) -> float:
    """The largest lr of lecture 5's summed squared error, with the heavy ball's momentum: 2 (1 + m)
    over the largest curvature (Polyak, 1964).
    """
    hours = np.array([1.0, 2.0, 3.0])
    columns = np.stack([hours, np.ones(3)])
    return 2 * (1 + momentum) / float(np.linalg.eigvalsh(2 * columns @ columns.T).max())


def sample_by_sample() -> float:
    """The lr at which lecture 4's three steps an epoch, one for each sample, keep their error."""
    lrs = np.linspace(0.15, 0.3, 150_001)
    factors = np.prod([1 - 2 * x**2 * lrs for x in (1, 2, 3)], axis=0)
    return float(lrs[np.abs(factors) > 1][0])


@pytest.mark.parametrize(
    ("lecture", "given", "exact"),
    [
        ("03", {}, 3 / 14),
        ("03", {"dataset": "noisy-line"}, gradient_descent_on("noisy-line")),
        ("04", {}, sample_by_sample()),
        ("05", {}, linear_regression(0.0)),
        ("05", {"momentum": 0.9}, linear_regression(0.9)),
    ],
)
def test_the_limit_is_the_one_that_theory_knows(lecture: str, given: dict[str, Any], exact: float):
    found = find(lecture, **given)
    assert found.limit is not None
    assert found.limit.diverges
    # The limit lies between two lrs that differ by PRECISION; a trial has few steps near it.
    assert found.limit.lr == pytest.approx(exact, rel=0.05)
    assert found.suggestion is not None
    assert found.suggestion < exact / 2


def test_a_lecture_that_nothing_makes_diverge_has_no_limit():
    found = find("05", optimizer="adagrad")
    assert found.limit is None
    assert "below the limit" not in found.choices
    assert found.choices["suggestion"] == found.suggestion


# The suggestion


def data_for(lecture: str):
    def read(name: str, *_: object, **chosen: Any):
        return names() if lecture.startswith("lecture_13") else few(name, **chosen)

    def few(name: str, **chosen: Any):
        return few_samples(read_dataset(name, **chosen))

    return read


#: Nets whose steps take so long that only `pytest -m slow` tries them.
SLOW = {"lecture_11_densenet"}


@pytest.mark.parametrize(
    "lecture",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])
        for name in lecture_names()
        if "lr" in load_lecture(find_lecture(name)).fields
    ],
)
def test_every_lectures_suggestion_trains(
    lecture: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(prepare_module, "read_dataset", data_for(lecture))
    # Shorter than for a user, since some nets take 50 ms for a step.
    monkeypatch.setattr(finder, "LEAST_STEPS", 50)
    monkeypatch.setattr(finder, "TRIAL_STEPS", 20)
    monkeypatch.setattr(limit, "PRECISION", 2.0)
    small = {} if settings_of(lecture).hyperparameters.batch_size == "full" else {"batch_size": 4}
    found = find(lecture, **small)
    assert found.suggestion is not None
    run = begin(lecture, tmp_path, stop_after=20, lr=found.suggestion, epochs=20, **small)
    assert run.completed.exit_code == 0
    assert found.trial is not None
    assert np.mean(run.losses[-len(run.losses) // 4 :]) < found.trial.before


@pytest.mark.parametrize(
    ("lecture", "given", "words"),
    [
        ("02", {}, "without an lr"),
        ("05", {"optimizer": "lbfgs"}, "comparing losses"),
        ("05", {"optimizer": "rprop"}, "its first step alone"),
    ],
)
def test_where_there_is_no_lr_it_says_so(lecture: str, given: dict[str, Any], words: str):
    with pytest.raises(InvalidValue, match=words):
        find(lecture, **given)


NET = """
from torch import nn, optim
from models.lecture import Hyperparameters, Lecture

class Net(nn.Linear):
    def __init__(self, spec, hyperparameters):
        super().__init__(*spec.input_shape, 1)

    def forward(self, x):
        outputs = super().forward(x)
        if not outputs.isfinite().all():
            raise ValueError("I refuse that")
        return outputs{more}

LECTURE = Lecture(title="Mine", title_zh="Mine", datasets=("noisy-line",), model=Net,
    criterion=nn.MSELoss, hyperparameters=Hyperparameters(lr=0.1, batch_size="full"){own})
"""


def test_a_net_that_refuses_numbers_that_are_not_finite_has_diverged(tmp_path: Path):
    file = tmp_path / "refusing.py"
    file.write_text(NET.format(more="", own=""), encoding="utf-8")
    found = find(str(file))
    assert found.limit is not None
    assert found.limit.diverges


def test_a_net_whose_loss_falls_at_no_lr_gets_no_suggestion(tmp_path: Path):
    file = tmp_path / "constant.py"
    file.write_text(NET.format(more=" * 0", own=""), encoding="utf-8")
    found = find(str(file))
    assert found.suggestion is None
    assert found.choices == {}


def test_an_optimizer_of_the_users_without_an_lr(tmp_path: Path):
    own = """, optimizer=lambda model, hp: type("Still", (optim.Optimizer,), {
    "step": lambda self, closure: closure()})(model.parameters(), {})"""
    file = tmp_path / "still.py"
    file.write_text(NET.format(more="", own=own), encoding="utf-8")
    with pytest.raises(InvalidValue, match="the optimizer of still has no lr"):
        find(str(file))


# Nothing stays, and a trial is what a run would be


def test_random_numbers_threads_and_the_folder_are_as_before(tmp_path: Path):
    torch.manual_seed(7)
    before, threads = host_rng_state(), torch.get_num_threads()
    find("04")
    assert host_rng_state() == before
    assert torch.get_num_threads() == threads
    assert not list(tmp_path.rglob("runs"))
    assert not list(tmp_path.rglob("*.pt"))


@pytest.mark.parametrize(
    ("lecture", "given"),
    [
        ("softmax", {"widths": (8,), "optimizer": "adagrad", "weight_decay": 0.1}),
        ("airbench", {"widths": (4, 4, 4), "batch_size": 20}),  # BatchNorm, groups, a schedule
        ("08", {}),  # a DataLoader
        ("rnn", {}),
    ],
)
@pytest.mark.usefixtures("small_data")
def test_a_trial_is_the_beginning_of_a_run_whatever_was_tried_before(
    lecture: str, given: dict[str, Any], tmp_path: Path
):
    lr, steps = 0.05, 6
    none = {"lr_schedule": "none"} if lecture == "airbench" else {}
    run = begin(lecture, tmp_path, stop_after=steps, lr=lr, epochs=9, **none, **given)
    restarts = Restarts(prepare(settings_of(lecture, **given)))
    for _ in zip(range(30), restarts.rising(rising_lrs(1e-3, 1.0, 30)), strict=False):
        pass
    first = restarts.trial(lr, steps, repeat(None))
    restarts.trial(3.0, steps, repeat(None))
    assert restarts.trial(lr, steps, repeat(None)) == first  # bits: the same shapes
    if lecture != "airbench":  # whose groups follow schedules of their own
        assert first.loss == pytest.approx(np.mean(run.losses[-2:]), rel=FLOAT32)


# The curve


def test_the_smoothed_loss_begins_with_the_first_one_and_knows_a_constant():
    smoothed = SmoothedLoss(100)
    for _ in range(10):
        smoothed.add(3.0)
    assert smoothed.values == pytest.approx([3.0] * 10, rel=FLOAT64)


def test_batches_in_a_fixed_order_are_smoothed_over_an_epoch():
    smoothed = SmoothedLoss(100, cycle=3)
    for loss in (1.0, 4.0, 9.0) * 5:
        smoothed.add(loss)
        assert not smoothed.has_diverged
    assert smoothed.values == pytest.approx([14 / 3] * 15, rel=FLOAT64)


@pytest.mark.parametrize("last", [8.0, math.nan, math.inf])
def test_a_loss_far_above_its_first_or_not_finite_has_diverged(last: float):
    smoothed = SmoothedLoss(20)
    for loss in (2.0, 2.0, 2.0, 1.9, 0.2, last):
        assert not smoothed.has_diverged if smoothed.values else True
        smoothed.add(loss)
    assert smoothed.has_diverged


def test_the_valley_is_the_middle_of_the_fall_and_the_steepest_lr_lies_in_it():
    lrs = rising_lrs(1e-6, 1.0, 601)
    logs = np.log10(lrs)
    losses = 1 / (1 + np.exp((logs + 3) * 4))  # falls around 1e-3
    fall = find_fall(lrs, losses.tolist())
    assert fall is not None
    assert fall.valley == pytest.approx(1e-3, rel=0.02)  # a step of the grid is 2.3 %
    assert fall.steepest == pytest.approx(1e-3, rel=0.03)


@pytest.mark.parametrize("losses", [[1.0] * 50, list(range(1, 51)), [math.nan] * 50, [1.0]])
def test_a_curve_that_never_falls_has_no_valley(losses: list[float]):
    assert find_fall(rising_lrs(1e-3, 1.0, len(losses)), losses) is None


# The search for the limit


def trains_below(edge: float, tried: list[float]):
    def try_lr(lr: float) -> Trial:
        tried.append(lr)
        return Trial(lr, 0.5 if lr < edge else 2.0, 1.0, 10)

    return try_lr


@pytest.mark.parametrize("guess", [0.02, 0.3, 50.0])
def test_the_limit_is_bracketed_whatever_the_guess(guess: float):
    tried: list[float] = []
    found = find_limit(trains_below(0.7, tried), Trial(0.01, 0.5, 1.0, 10), guess, 100.0)
    assert found is not None
    assert found.trains < 0.7 <= found.fails <= PRECISION * found.trains
    assert len(tried) < 16


def test_without_a_failure_up_to_the_highest_there_is_no_limit():
    tried: list[float] = []
    assert find_limit(trains_below(1e9, tried), Trial(0.01, 0.5, 1.0, 10), 1.0, 100.0) is None
    assert tried[-1] == 100.0


def test_an_lr_that_does_not_train_is_lowered():
    tried: list[float] = []
    trial = first_that_trains(trains_below(0.1, tried), 1.0)
    assert trial is not None
    assert trial.lr < 0.1
    assert first_that_trains(trains_below(0.0, tried), 1.0) is None


def test_a_range_of_the_users():
    found = find_lr(settings_of("03"), lr_range=LrRange(1e-3, 0.1))
    assert found.lrs[0] == pytest.approx(1e-3, rel=FLOAT64)
    assert found.lrs[-1] == pytest.approx(0.1, rel=FLOAT64)
    assert found.limit is None
