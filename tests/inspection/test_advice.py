"""A run that follows the advice to reset a setting far from its default learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.inspection.test_diagnosis import HEALTHY, WELL, gradients, layer
from tests.program import begin
from tui_app.inspection.diagnosis import ModelObservations, RunObservations, diagnose
from tui_app.inspection.diagnosis.changed_setting import lecture_defaults, reset_changed_setting
from tui_app.runs.settings.run_settings import as_record
from tui_app.training.session import Session

SMALL = {"widths": (64, 32), "epochs": 6}

#: A lecture, settings far from its defaults, and the settings that are advised.
FAR = [
    ("softmax", {"lr": 50.0}, {"lr": 0.1}),
    ("softmax", {"lr": 1.0, "optimizer": "adam"}, {"lr": 0.001}),
    ("softmax", {"lr": 1e-6}, {"lr": 0.1}),
    ("softmax", {"lr": 20.0, "batch_size": 4}, {"lr": 0.03}),
    ("softmax", {"weight_decay": 1000.0}, {"weight_decay": 0.0}),
    ("softmax", {"weight_decay": 10.0}, {"weight_decay": 0.0}),
    ("softmax", {"clip_grad_norm": 1e-9}, {"clip_grad_norm": 0.0}),
    ("05", {"lr": 1.0, "epochs": 200}, {"lr": 0.01}),
    ("05", {"lr": 1e-9, "epochs": 200}, {"lr": 0.01}),
    ("03", {"lr": 1.0}, {"lr": 0.1}),  # a parabola: the fastest lr there is
]


def advised(session: Session, events: list) -> dict:
    """The settings of the first advice."""
    advice = next(event for event in events if event.kind == "advice")
    return dict(advice.settings)


@pytest.mark.parametrize(("lecture", "given", "expected"), FAR)
def test_the_setting_that_is_far_from_its_default_is_reset(
    lecture: str, given: dict, expected: dict, tmp_path: Path
):
    given = {**(SMALL if lecture == "softmax" else {}), **given}
    faulty = begin(lecture, tmp_path, **given)
    assert advised(faulty.session, faulty.events) == expected
    record = as_record(faulty.session.training.settings)
    mended = begin(lecture, tmp_path, **{**record["hyperparameters"], **expected})
    assert mended.completed.state == "completed"
    if lecture == "softmax":
        assert mended.completed.best_value is not None
        assert mended.completed.best_value > 0.8
    else:
        assert mended.losses[-1] < 0.1 * mended.losses[0]


def test_the_defaults_are_those_for_the_choices_that_were_made(tmp_path: Path):
    settings = begin("softmax", tmp_path, **SMALL, lr=3.0, momentum=0.0).session.training.settings
    assert lecture_defaults(settings)["lr"] == 0.1
    assert lecture_defaults(settings)["momentum"] == 0.5
    adam = replace(settings.hyperparameters, optimizer="adam")
    assert lecture_defaults(replace(settings, hyperparameters=adam))["lr"] == 0.001


DEFAULTS = {
    "lr": 0.1,
    "momentum": 0.5,
    "weight_decay": 0.0,
    "clip_grad_norm": 0.0,
    "batch_size": 64,
}


def with_settings(lr: float = 0.1, **hyperparameters: Any) -> RunObservations:
    return replace(HEALTHY, lr=lr, defaults=DEFAULTS, hyperparameters=hyperparameters)


def test_settings_near_their_defaults_are_not_suspected():
    for lr in (0.02, 0.1, 0.2):
        near = with_settings(lr, momentum=0.9, weight_decay=1e-3, clip_grad_norm=1.0)
        assert reset_changed_setting(near) is None
    without_defaults = RunObservations(lr=50.0, losses=())
    assert reset_changed_setting(without_defaults) is None


def test_too_much_momentum_is_reset():
    remedy = reset_changed_setting(with_settings(momentum=0.999))
    assert remedy is not None
    assert (dict(remedy.settings), "1000 times" in remedy.words) == ({"momentum": 0.5}, True)


def test_smaller_batches_get_a_smaller_lr():
    remedy = reset_changed_setting(with_settings(3.0, batch_size=16))
    assert remedy is not None
    assert remedy.words == "lr 0.05, which suits batches of 16"


def test_lbfgs_is_advised_to_use_the_whole_train_set():
    remedy = reset_changed_setting(with_settings(optimizer="lbfgs", batch_size=64))
    assert remedy is not None
    assert dict(remedy.settings) == {"batch_size": "full"}
    assert reset_changed_setting(with_settings(optimizer="lbfgs", batch_size="full")) is None


def test_advice_on_a_constant_output_gives_the_reason_and_no_batch_size():
    run = replace(
        HEALTHY,
        epochs={"train_loss": [2.301] * 30},
        train_size=20,  # too few for the rule of dead ReLUs
        hyperparameters={"activation": "relu", "batch_size": 64, "seed": 4},
    )
    still = ModelObservations((), gradients(0.0, 0.0), is_constant=True)
    cases = {
        "every ReLU of layer 1 gives 0": replace(still, activations=[layer("ReLU", dead=1.0)]),
        "--seed 5": still,
        "all weights are 0": replace(still, gradients=gradients(0.0, 0.0)),
    }
    cases["all weights are 0"].gradients.weights[:] = 0
    for words, model in cases.items():
        (advice,) = diagnose(run, model)
        assert advice.name == "constant output"
        assert words in advice.sentence
        assert "batch" not in advice.sentence
        assert "batch_size" not in advice.settings


def test_smaller_batches_are_advised_in_a_flat_region_only_if_single_samples_differ():
    run = replace(
        HEALTHY,
        epochs={"train_loss": [1.5] * 6},
        hyperparameters={"batch_size": "full", "momentum": 0.0, "seed": 0},
    )
    flat = replace(WELL, gradients=gradients(1e-6, 1e-6))
    (noisy,) = diagnose(run, replace(flat, single_sample_norm=0.1))
    assert dict(noisy.settings) == {"batch_size": 125}
    (still,) = diagnose(run, replace(flat, single_sample_norm=1e-6))
    assert dict(still.settings) == {"seed": 1}
