"""What is advised against settings far from the lecture's own: a run with it learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.inspection.test_diagnosis import HEALTHY, WELL, gradients, layer
from tests.program import begin
from tui_app.inspection.diagnosis import Course, Look, diagnose
from tui_app.inspection.diagnosis.changed_setting import lecture_defaults, misset
from tui_app.runs.settings import as_record
from tui_app.training.session import Session

SMALL = {"widths": (64, 32), "epochs": 6}

#: A lecture, settings far from its own, and what is advised.
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
    ("03", {"lr": 1.0}, {"lr": 0.1}),  # a parabola: the fastest there is,
]


def advised(session: Session, events: list) -> dict:
    """The settings of the first advice that was given."""
    advice = next(event for event in events if event.kind == "advice")
    assert advice.name in advice.as_json()
    return dict(advice.settings)


@pytest.mark.parametrize(("lecture", "given", "said"), FAR)
def test_the_setting_that_is_far_from_the_lectures_own_is_set_back(
    lecture: str, given: dict, said: dict, tmp_path: Path
):
    given = {**(SMALL if lecture == "softmax" else {}), **given}
    ill = begin(lecture, tmp_path, **given)
    assert advised(ill.session, ill.events) == said
    record = as_record(ill.session.training.settings)
    well = begin(lecture, tmp_path, **{**record["hyperparameters"], **said})
    assert well.completed.state == "completed"
    if lecture == "softmax":
        assert well.completed.best_value is not None
        assert well.completed.best_value > 0.8
    else:
        assert well.losses[-1] < 0.1 * well.losses[0]


def test_the_lectures_own_settings_are_those_beside_the_choices_that_were_made(tmp_path: Path):
    settings = begin("softmax", tmp_path, **SMALL, lr=3.0, momentum=0.0).session.training.settings
    assert lecture_defaults(settings)["lr"] == 0.1
    assert lecture_defaults(settings)["momentum"] == 0.5
    adam = replace(settings.hyperparameters, optimizer="adam")
    assert lecture_defaults(replace(settings, hyperparameters=adam))["lr"] == 0.001


USUAL = {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.0, "clip_grad_norm": 0.0, "batch_size": 64}


def with_settings(lr: float = 0.1, **hyperparameters: Any) -> Course:
    return replace(HEALTHY, lr=lr, usual=USUAL, hyperparameters=hyperparameters)


def test_settings_near_the_lectures_own_are_not_suspected():
    for lr in (0.02, 0.1, 0.2):
        assert (
            misset(with_settings(lr, momentum=0.9, weight_decay=1e-3, clip_grad_norm=1.0)) is None
        )
    assert misset(Course(lr=50.0, losses=())) is None  # where nothing is known of the lecture


def test_a_run_with_too_much_momentum_is_told_so():
    remedy = misset(with_settings(momentum=0.999))
    assert remedy is not None
    assert (dict(remedy.settings), "1000 times" in remedy.words) == ({"momentum": 0.5}, True)


def test_smaller_batches_have_a_smaller_lr():
    remedy = misset(with_settings(3.0, batch_size=16))
    assert remedy is not None
    assert remedy.words == "lr 0.05, as suits batches of 16"


def test_lbfgs_is_told_to_take_the_whole_train_set():
    remedy = misset(with_settings(optimizer="lbfgs", batch_size=64))
    assert remedy is not None
    assert dict(remedy.settings) == {"batch_size": "full"}
    assert misset(with_settings(optimizer="lbfgs", batch_size="full")) is None


def test_a_constant_net_is_told_why_and_never_of_batches():
    course = replace(
        HEALTHY,
        epochs={"train_loss": [2.301] * 30},
        train_size=20,  # too few for the rule of dead ReLUs
        hyperparameters={"activation": "relu", "batch_size": 64, "seed": 4},
    )
    still = Look((), gradients(0.0, 0.0), is_constant=True)
    cases = {
        "every ReLU of layer 1 gives 0": replace(still, activations=[layer("ReLU", dead=1.0)]),
        "--seed 5": still,
        "all weights are 0": replace(still, gradients=gradients(0.0, 0.0)),
    }
    cases["all weights are 0"].gradients.weights[:] = 0
    for words, look in cases.items():
        (advice,) = diagnose(course, look)
        assert advice.name == "constant output"
        assert words in advice.sentence
        assert "batch" not in advice.sentence
        assert "batch_size" not in advice.settings


def test_smaller_batches_lead_out_of_a_flat_place_only_where_single_samples_differ():
    course = replace(
        HEALTHY,
        epochs={"train_loss": [1.5] * 6},
        hyperparameters={"batch_size": "full", "momentum": 0.0, "seed": 0},
    )
    flat = replace(WELL, gradients=gradients(1e-6, 1e-6))
    (noisy,) = diagnose(course, replace(flat, of_one=0.1))
    assert dict(noisy.settings) == {"batch_size": 125}
    (still,) = diagnose(course, replace(flat, of_one=1e-6))
    assert dict(still.settings) == {"seed": 1}
