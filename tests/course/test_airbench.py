"""Lecture 11's record: its first layer, its blocks, Muon, and the way of its values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from models import find_lecture
from models.loading.load import load_lecture
from tests.export.test_export import losses_of_scripts, recorded
from tests.program import metrics_lines, train, tutorch
from tests.tolerances import FLOAT32, SUMMED, TRAINED
from tui_app.monitoring.curves.picture import ChartView
from tui_app.monitoring.curves.run_curves import RunCurves
from tui_app.monitoring.history import History
from tui_app.runs.events import Event
from tui_app.runs.metrics.metrics_file import read_events
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training.muon import MuonSGD, orthogonalised
from tui_app.training.prepare import prepare

SMALL = ("--widths", "8,8,8", "--batch-size", "10", "--epochs", "3")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with CIFAR-10's binary files, of 60 and 20 pictures in two colours."""
    folder = tmp_path_factory.mktemp("data") / "cifar10"
    folder.mkdir()
    random = np.random.default_rng(0)
    for name, count in [*((f"data_batch_{n}", 12) for n in range(1, 6)), ("test_batch", 20)]:
        labels = random.integers(0, 2, count, dtype=np.uint8)
        pixels = random.integers(0, 200, (count, 3, 1024), dtype=np.uint8)
        pixels[np.arange(count), labels] += 55
        rows = np.concatenate([labels[:, None], pixels.reshape(count, 3072)], axis=1)
        (folder / f"{name}.bin").write_bytes(rows.tobytes())
    return folder.parent


def prepared(**given: Any):
    lecture = load_lecture(find_lecture("airbench"))
    return prepare(resolve_settings(lecture, {"device": "cpu", **given}))


def test_the_first_layer_makes_patches_uncorrelated_and_isnt_trained():
    training = prepared()
    inputs = next(training.measured.split.chunks(359))[0]
    layer = training.model.get_submodule("whitening")
    weight = training.model.get_parameter("whitening.weight")
    with torch.no_grad():
        outputs = (
            layer(inputs)[:, :4] - training.model.get_parameter("whitening.bias")[:4, None, None]
        )
    covariance = outputs.transpose(0, 1).flatten(1)
    covariance = covariance @ covariance.T / covariance.shape[1]
    # Of other scans than those it was computed from, and a little less for the added 5e-4.
    assert covariance.diagonal() == pytest.approx(torch.ones(4), abs=0.1)
    assert (covariance - torch.diag(covariance.diagonal())).abs().max() < 0.1
    assert torch.equal(weight[:4], -weight[4:])
    assert not weight.requires_grad
    assert prepared(whitening=False).model.get_parameter("whitening.weight").requires_grad


def test_a_block_starts_by_passing_its_input_on():
    block = prepared().model.get_submodule("blocks.1")
    assert isinstance(block, nn.Sequential)
    x = torch.randn(2, 8, 10, 10)
    with torch.no_grad():
        torch.testing.assert_close(block[0](x)[:, :8], x, rtol=FLOAT32, atol=FLOAT32)
        other = prepared(dirac=False).model.get_submodule("blocks.1.0")(x)[:, :8]
        assert not torch.allclose(other, x, rtol=0.1)


def test_each_group_has_its_lr_and_a_step_takes_the_same_share_as_decay():
    training = prepared(dataset="digits")
    of_first, biases, head, filters = training.optimizer.param_groups
    assert [group["lr"] for group in (of_first, biases, head, filters)] == pytest.approx(
        [10.0, 10.0, 0.003, 0.24], rel=FLOAT32
    )
    for group in (of_first, biases, head):
        assert group["lr"] * group["weight_decay"] == pytest.approx(0.004, rel=FLOAT32)
    assert (filters["muon"], filters["momentum"], filters["weight_decay"]) == (0.6, 0.0, 0.0)
    training.step = training.schedule.last_step * 3 // 8
    training.apply_lr()
    lrs = [group["lr"] for group in training.optimizer.param_groups]
    assert lrs == pytest.approx([0.0, 6.25, 0.001875, 0.15], rel=FLOAT32)
    assert type(prepared(filters="sgd").optimizer) is torch.optim.SGD
    assert len(prepared(optimizer="adam").optimizer.param_groups) == 1


@pytest.mark.parametrize("shape", [(16, 72), (64, 24), (32, 32)])
def test_orthogonalising_keeps_the_singular_vectors_and_brings_the_values_near_1(shape):
    torch.manual_seed(0)
    matrix = torch.randn(shape, dtype=torch.float64)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    values = left.T @ orthogonalised(matrix) @ right.T
    assert (values - torch.diag(values.diagonal())).abs().max() < 1e-9
    most = values.diagonal()
    assert most.max() < 1.3
    assert most.median() > 0.6


def test_a_muon_step_is_momentum_orthogonalised_and_its_weights_keep_their_norm():
    torch.manual_seed(0)
    filters = nn.Parameter(torch.randn(6, 4, 3, 3).to(memory_format=torch.channels_last))
    other, still = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(2))
    optimizer = MuonSGD(
        [
            {"params": [filters], "lr": 0.5, "momentum": 0.0, "muon": 0.25},
            {"params": [other, still]},
        ],
        lr=0.1,
        momentum=0.5,
    )
    average = torch.zeros(6, 36)
    for _ in range(2):
        before, gradient = filters.detach().clone(), torch.randn(6, 4, 3, 3)
        filters.grad = gradient.to(memory_format=torch.channels_last)
        other.grad = torch.ones(3)
        optimizer.step()
        average = 0.25 * average + gradient.flatten(1)
        direction = orthogonalised(gradient.flatten(1) + 0.25 * average)
        expected = before.flatten(1) * (6**0.5 / before.norm()) - 0.5 * direction
        torch.testing.assert_close(filters.flatten(1), expected, rtol=SUMMED, atol=SUMMED)
    torch.testing.assert_close(other, torch.full((3,), 1 - 0.1 - 0.15), rtol=FLOAT32, atol=0)
    assert torch.equal(still, torch.ones(2))


def test_it_learns_the_digits_at_its_defaults(trained: Callable[..., Path]):
    folder = trained("airbench", "--epochs", "3")
    accuracies = [
        line["test_accuracy"] for line in metrics_lines(folder / "metrics.jsonl", "epoch")
    ]
    assert max(accuracies) > 0.9


def test_on_pictures_the_accuracy_with_mirror_images_is_a_value_of_its_own(
    pictures: Path, tmp_path: Path
):
    given = ("--dataset", "cifar10", "--data-dir", pictures, *SMALL, "--runs-dir", tmp_path)
    run = train("airbench", *given, "--threads", 1)
    epochs = metrics_lines(run / "metrics.jsonl", "epoch")
    assert all(0 <= line["test_flip_accuracy"] <= 1 for line in epochs)
    values = tutorch("evaluate", run, "--json", "--require", "test_flip_accuracy>=0").json
    assert {"train_flip_accuracy", "test_flip_accuracy", "test_accuracy"} <= set(values)
    assert "test flip accuracy" in tutorch("show", run).out
    history = History()
    for event in read_events(run / "metrics.jsonl", Event):
        history.record(event)
    labels = [curve.label for curve in RunCurves(history).accuracy(ChartView(), 80).curves]
    assert labels == ["test", "test, mirrored too"]
    script = tmp_path / "script.py"
    assert tutorch("export", run, "script", "--out", script).exit_code == 0
    text = script.read_text(encoding="utf-8")
    assert "MuonSGD" in text


def test_its_script_with_muon_and_alternating_flips_trains_the_same_losses(tmp_path: Path):
    given = ("--augment", "alternating flip and shift", "--batch-size", "500", "--epochs", "3")
    run = train("airbench", *given, "--runs-dir", tmp_path)
    script = tmp_path / "script.py"
    assert tutorch("export", run, "script", "--out", script).exit_code == 0
    (losses,) = losses_of_scripts(script)
    np.testing.assert_allclose(losses, recorded(run), rtol=TRAINED)
