"""Checks the numbers that the course's pages print, each lecture with its defaults.

A tolerance is half of the last digit that they print, unless it says otherwise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from models.lecture_03_gradient_descent import Multiply
from tests.program import metrics_lines
from tests.tolerances import FLOAT32
from tests.training.test_resume import begin, settings
from tui_app.inspection.saved_model import SavedModel
from tui_app.runs.run_folder import RunFolder


def train(tmp_path: Path, lecture: str, **given: Any) -> RunFolder:
    session, completed = begin(settings(tmp_path, lecture, **given))
    assert completed.state == "completed", completed.reason
    return session.folder


def losses(folder: RunFolder) -> list[float]:
    return [loss for line in metrics_lines(folder.metrics) for loss in line.get("losses", [])]


def weights(folder: RunFolder, name: str = "last.pt") -> dict[str, float]:
    state = torch.load(folder.path / name, weights_only=True)
    state = state.get("model", state)
    return {key: value.item() for key, value in state.items()}


def predict(folder: RunFolder, x: str) -> float:
    return SavedModel.load(folder, "cpu", None).predict(x).item()


def test_02_the_search_finds_two_among_41_candidates(tmp_path: Path) -> None:
    folder = train(tmp_path, "02")
    cost = losses(folder)
    assert len(cost) == 41
    assert min(cost) == cost[20] == 0
    assert cost[0] == pytest.approx(18.67, abs=0.005) == cost[40]
    assert weights(folder, "best.pt") == {"w": 2.0}
    assert predict(folder, "4") == 8.0


def test_02_with_a_bias_there_are_1681(tmp_path: Path) -> None:
    folder = train(tmp_path, "02", bias=True)
    assert len(losses(folder)) == 1681
    assert weights(folder, "best.pt") == {"w": 2.0, "b": 0.0}


@pytest.mark.parametrize("gradient", ["by hand", "autograd function"])
def test_03_gradient_descent(tmp_path: Path, gradient: str) -> None:
    folder = train(tmp_path, "03", gradient=gradient)
    assert weights(folder)["w"] == pytest.approx(1.99994, abs=5e-6)
    epochs = [line for line in metrics_lines(folder.metrics) if line["kind"] == "epoch"]
    assert epochs[0]["train_loss"] == pytest.approx(4.67, abs=0.005)
    # Squares of what is left of w in float32's last digits: a hundredth.
    assert epochs[-1]["train_loss"] == pytest.approx(1.76e-8, rel=0.01)
    assert epochs[-1]["train_loss_after"] == pytest.approx(1.44e-8, rel=0.01)


def test_03_one_sample_at_a_time_arrives(tmp_path: Path) -> None:
    w = weights(train(tmp_path, "03", batch_size=1))["w"]
    assert w == pytest.approx(2, rel=FLOAT32)


def test_03_a_large_lr_diverges_and_keeps_the_best(tmp_path: Path) -> None:
    session, completed = begin(settings(tmp_path, "03", lr=0.3))
    assert (completed.state, completed.exit_code) == ("failed", 1)
    assert "learning rate" in completed.reason
    assert weights(session.folder, "best.pt")["w"] == pytest.approx(3.8, rel=FLOAT32)


def test_03_the_derivative_by_hand_equals_finite_differences() -> None:
    x = torch.randn(4, 1, dtype=torch.double, requires_grad=True)
    w = torch.tensor(1.5, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(Multiply.apply, (x, w))


def test_04_autograd(tmp_path: Path) -> None:
    assert weights(train(tmp_path / "a", "04"))["w"] == pytest.approx(
        1.9999996423721313, rel=FLOAT32
    )
    folder = train(tmp_path / "b", "04", form="quadratic")
    assert predict(folder, "4") == pytest.approx(8.544, abs=0.0005)


@pytest.mark.parametrize(
    ("optimizer", "tolerance"), [("sgd", 0.002), ("lbfgs", 0.0005), ("rprop", 0.0005)]
)
def test_05_four_hours_are_eight_points(tmp_path: Path, optimizer: str, tolerance: float) -> None:
    """Within what each optimizer reaches in the course's number of epochs."""
    folder = train(tmp_path, "05", optimizer=optimizer)
    assert predict(folder, "4") == pytest.approx(8, abs=tolerance)


def test_06_half_the_students_pass_with_2_4_hours(tmp_path: Path) -> None:
    folder = train(tmp_path, "06")
    model = torch.load(folder.path / "best.pt", weights_only=True)
    boundary = -model["linear.bias"].item() / model["linear.weight"].item()
    assert 2.41 <= boundary <= 2.42


def test_07_three_sigmoids_learn_nothing_and_tanh_does(tmp_path: Path) -> None:
    """On the bundled data: diabetes gives the same result, but has to be fetched."""

    def accuracy(name: str, **given: Any) -> float:
        folder = train(tmp_path / name, "07", dataset="breast-cancer", **given)
        return SavedModel.load(folder, "cpu", None).evaluate()["train_accuracy"]

    assert accuracy("sigmoid") == pytest.approx(0.627, abs=0.01)  # the majority class
    assert accuracy("tanh", activation="tanh", epochs=300) > 0.95


def test_09_digits_are_read(tmp_path: Path) -> None:
    session, completed = begin(settings(tmp_path, "softmax", widths=(512, 256, 128, 64), epochs=20))
    assert completed.best_value is not None
    assert completed.best_value >= 0.95
    assert session.training.parameters == 575_050


def test_12_the_word_is_learned_in_15_epochs(tmp_path: Path) -> None:
    learned = []
    for seed in range(5):
        folder = train(tmp_path / str(seed), "12", seed=seed)
        answer = SavedModel.load(folder, "cpu", None).predict("hello")
        learned.append("".join("ehlo"[i] for i in answer.argmax(0)))
    assert learned.count("ohlol") >= 4
