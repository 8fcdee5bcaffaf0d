"""Tests every rule on a run that has the fault, and on one that doesn't."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.program import tutorch
from tui_app.inspection.diagnosis import (
    RULES,
    ModelObservations,
    RunObservations,
    diagnose,
)
from tui_app.inspection.diagnosis.changed_setting import lecture_defaults
from tui_app.inspection.diagnosis.model_observations import observe_data, observe_model
from tui_app.inspection.diagnosis.observations import Advice, DataObservations
from tui_app.inspection.diagnosis.recorded_observations import observations_of_run
from tui_app.inspection.probe_context import context_of_run
from tui_app.inspection.probe_runner import run_probe
from tui_app.runs.run_folder import RunFolder

FALLING = [2.3 * 0.8**n + 0.05 for n in range(30)]
HEALTHY = RunObservations(
    lr=0.1,
    losses=FALLING,
    epochs={
        "train_loss": FALLING,
        "test_loss": [x + 0.05 for x in FALLING],
        "test_accuracy": [0.9],
    },
    base_rates={"loss": 2.3, "accuracy": 0.1},
    hyperparameters={"optimizer": "sgd", "activation": "relu"},
    data=DataObservations({"a": 0.5, "b": 0.5}),
    train_size=1000,
)


def gradients(*norms: float, loss: float = 1.0) -> SimpleNamespace:
    series = SimpleNamespace(norms=np.array(norms))
    return SimpleNamespace(series=[series], weights=np.ones(len(norms)), loss=loss)


def layer(kind: str, dead: float = 0.0, saturated: float = 0.1) -> SimpleNamespace:
    return SimpleNamespace(kind=kind, dead=dead, saturated=saturated, neurons=10)


WELL = ModelObservations([layer("ReLU", 0.1), layer("Tanh")], gradients(0.1, 0.2, 0.3))
FLAT = {"train_loss": [1.5] * 30}

#: The fault, its run, the model, and a word of its sentence.
FAULTY = {
    "divergence": (replace(HEALTHY, losses=[4.0 * 6**n for n in range(8)]), WELL, "Try lr"),
    "not a number": (replace(HEALTHY, losses=[2.0, 1.9, 1.8, np.nan]), WELL, "step 4"),
    "log 0": (replace(HEALTHY, epochs={"train_loss": [50.0] * 6}), WELL, "50.00"),
    "stuck at the base rate": (
        replace(HEALTHY, epochs={"train_loss": [2.301] * 8, "test_accuracy": [0.1] * 8}),
        WELL,
        "2.3",
    ),
    "constant output": (
        replace(HEALTHY, epochs={"train_loss": [2.301] * 8, "test_accuracy": [0.1] * 8}),
        replace(WELL, is_constant=True),
        "same output for every sample",
    ),
    "plateau": (replace(HEALTHY, epochs=FLAT), WELL, "1.5000"),
    "overfitting": (
        replace(
            HEALTHY,
            epochs={
                "train_loss": [0.5 * 0.8**n for n in range(20)],
                "test_loss": [0.5 - 0.05 * n for n in range(6)]
                + [0.3 + 0.03 * n for n in range(14)],
            },
        ),
        WELL,
        "epoch 6",
    ),
    "train and test are the same": (
        replace(HEALTHY, data=replace(HEALTHY.data, test_is_train=True)),
        WELL,
        "--validation",
    ),
    "classes out of balance": (
        replace(
            HEALTHY,
            data=DataObservations({"a": 0.95, "b": 0.05}),
            epochs={"test_accuracy": [0.95]},
        ),
        WELL,
        "95.0 %",
    ),
    "dead ReLUs": (HEALTHY, ModelObservations([layer("ReLU", dead=0.8)]), "80 %"),
    "saturated activations": (
        replace(HEALTHY, epochs={"test_accuracy": [0.5]}),
        ModelObservations([layer("Sigmoid", saturated=0.9)]),
        "90 %",
    ),
    "vanishing gradients": (HEALTHY, ModelObservations((), gradients(1e-8, 1e-3, 0.1)), "1.0e-08"),
    "exploding gradients": (
        HEALTHY,
        ModelObservations((), gradients(1e4, 1e3, 1.0)),
        "--clip-grad-norm",
    ),
    "saddle": (
        replace(HEALTHY, epochs={"train_loss": [1.5] * 6}),
        ModelObservations((), gradients(1e-6, 1e-6)),
        "flat",
    ),
}


@pytest.mark.parametrize("name", FAULTY)
def test_a_fault_is_named_with_its_numbers(name: str):
    run, model, word = FAULTY[name]
    found = {advice.name: advice for advice in diagnose(run, model)}
    assert name in found, list(found)
    assert word in found[name].sentence


def test_every_rule_has_a_faulty_run_and_a_healthy_one_triggers_none():
    assert len(FAULTY) == len(RULES)
    assert diagnose(HEALTHY, WELL) == []
    assert diagnose(RunObservations(lr=0.1, losses=[])) == []


def test_the_lr_that_is_advised_against_divergence_works(tmp_path: Path):
    for lr in (0.3, 0.5, 5.0):
        ended = tutorch("--no-tui", "03", "--lr", lr, "--epochs", 300)
        assert ended.exit_code == 1
        (advice,) = diagnose(observations_of_run(RunFolder(ended.run)))
        assert advice.name == "divergence"
        better = tutorch("--no-tui", "03", "--lr", advice.settings["lr"], "--epochs", 300)
        assert better.exit_code == 0
        assert observations_of_run(RunFolder(better.run)).losses[-1] < 1


def test_lecture_7_at_its_defaults_is_stuck_and_gets_advice(trained: Callable[..., Path]):
    found = diagnosed(trained("07"))
    assert found["stuck at the base rate"].settings == {"activation": "tanh"}


HEALTHY_RUNS = [
    ("02",),
    ("03",),
    ("04",),
    ("04", "--form", "quadratic"),
    ("05",),
    ("05", "--dataset", "noisy-line"),
    ("06",),
    ("07", "--activation", "tanh"),
    ("07", "--dataset", "moons"),
    ("12",),
    ("softmax", "--epochs", "12"),
]


@pytest.mark.parametrize("argv", HEALTHY_RUNS, ids=" ".join)
def test_a_healthy_lecture_gets_no_false_alarm(argv: tuple[str, ...], trained):
    # Moons at its defaults does overfit: its test loss rises from 0.17 to 0.25 in 1000 epochs.
    allowed = {"overfitting"} if "moons" in argv else set()
    assert set(diagnosed(trained(*argv))) <= allowed


def diagnosed(path: Path) -> dict[str, Advice]:
    """The advice on a run folder, by name."""
    folder = RunFolder(path)
    context = context_of_run(folder, "cpu")
    run = replace(
        observations_of_run(folder),
        data=observe_data(context),
        defaults=lecture_defaults(context.settings),
    )
    model = run_probe(context, observe_model).found
    return {advice.name: advice for advice in diagnose(run, model)}
