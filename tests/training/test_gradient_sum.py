"""Summed gradients keep their layout, their type and their absence; shares cover a batch."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from models import find_lecture
from models.fields import InvalidValue
from models.loading.load import load_lecture
from models.user_files.trust import allow_named_file
from tests.tolerances import FLOAT32, SUMMED
from tests.training.rank_net import write_net
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training.criterion_check import notes_on_shares
from tui_app.training.data.sampler import SeededBatchSampler
from tui_app.training.evaluation import reduction_of
from tui_app.training.prepare import prepare
from tui_app.training.ranks.gradient_sum import GradientSum
from tui_app.training.ranks.ranks import Alone


class Twice(Alone):
    """Two ranks that have the same values."""

    count = 2

    def sum(self, values: Sequence[float]) -> list[float]:
        return [2 * value for value in values]

    def sum_on_device(self, tensor: Tensor) -> None:
        tensor *= 2


def weights() -> dict[str, nn.Parameter]:
    """Weights of every kind, with gradients, but for one."""
    made = {
        "plain": nn.Parameter(torch.randn(3, 4)),
        "scalar": nn.Parameter(torch.randn(())),
        "channels_last": nn.Parameter(
            torch.randn(2, 3, 5, 5).to(memory_format=torch.channels_last)
        ),
        "one_by_one": nn.Parameter(torch.randn(2, 3, 1, 1).to(memory_format=torch.channels_last)),
        "transposed": nn.Parameter(torch.randn(4, 3).t()),
        "complex": nn.Parameter(torch.randn(3, dtype=torch.complex64)),
        "low": nn.Parameter(torch.randn(5, dtype=torch.bfloat16)),
        "unused": nn.Parameter(torch.randn(2)),
    }
    for name, weight in made.items():
        if name != "unused":
            weight.grad = torch.randn(weight.shape, dtype=weight.dtype)
    return made


@pytest.mark.parametrize("wide", [False, True])
def test_gradients_are_summed_whatever_their_layout_and_type(wide: bool):
    made = weights()
    if wide:
        made["wide"] = nn.Parameter(torch.randn(3, dtype=torch.float64))
        made["wide"].grad = torch.randn(3, dtype=torch.float64)
    before = {name: weight.grad for name, weight in made.items()}
    frozen = nn.Parameter(torch.randn(2), requires_grad=False)
    total = GradientSum(Twice(), [*made.values(), frozen])(torch.tensor(3.0), 0.25)
    assert total.item() == pytest.approx(1.5, rel=FLOAT32)
    for name, weight in made.items():
        gradient, expected = weight.grad, before[name]
        if expected is None:
            assert gradient is None
            continue
        assert gradient is not None
        assert (gradient.dtype, gradient.stride()) == (weight.dtype, weight.stride()), name
        assert torch.allclose(gradient, 0.5 * expected, rtol=1e-2 if name == "low" else FLOAT32)
    assert frozen.grad is None


def test_a_rank_without_samples_adds_nothing_and_keeps_earlier_gradients_intact():
    weight = nn.Parameter(torch.ones(3))
    add = GradientSum(Twice(), [weight])
    weight.grad = torch.ones(3)
    add(torch.tensor(1.0), 1.0)
    kept = weight.grad
    weight.grad = None
    assert add(None, 0.0).item() == 0
    assert weight.grad is None
    assert kept.tolist() == [2.0] * 3


def test_sparse_gradients_become_dense():
    embedding = nn.Embedding(4, 2, sparse=True)
    embedding(torch.tensor([1, 1])).sum().backward()
    GradientSum(Twice(), embedding.parameters())(torch.tensor(0.0), 0.5)
    assert embedding.weight.grad is not None
    assert embedding.weight.grad.tolist() == [[0.0, 0.0], [2.0, 2.0], [0.0, 0.0], [0.0, 0.0]]


def test_shares_make_up_the_batches_and_empty_ones_are_left_out():
    def sampler(rank: int | None) -> SeededBatchSampler:
        share = (
            None if rank is None else lambda size: slice(rank * size // 3, (rank + 1) * size // 3)
        )
        return SeededBatchSampler(13, 4, shuffle=True, seed=1, share=share)

    whole, shares = sampler(None), [sampler(rank) for rank in range(3)]
    assert [whole.size_of(batch) for batch in range(len(whole))] == [4, 4, 4, 1]
    assert {len(share) for share in shares} == {len(whole)}
    for each in (whole, *shares):
        each.epoch, each.start = 2, 1
    parts = [list(share) for share in shares]
    assert [len(part) for part in parts] == [2, 2, 3]
    joined = [
        [sample for part in parts if batch < len(part) for sample in part[batch]]
        for batch in range(3)
    ]
    assert joined == list(whole)


def test_batchnorm_is_synchronised_on_cuda_alone():
    lecture = load_lecture(find_lecture("softmax"))
    settings = resolve_settings(lecture, {"device": "cpu", "sync_batchnorm": True})
    with pytest.raises(InvalidValue, match="sync_batchnorm: torch synchronises BatchNorm on CUDA"):
        prepare(settings)


#: BatchNorm of 2 x 2 pixels in 4 channels.
OF_PIXELS = "nn.Sequential(nn.Unflatten(1, (4, 2, 2)), nn.BatchNorm2d(4), nn.Flatten())"


@pytest.mark.parametrize(
    ("ranks", "layer", "is_refused"),
    [
        (3, "nn.BatchNorm1d(16)", True),
        (2, "nn.BatchNorm1d(16)", False),
        (3, OF_PIXELS, False),
        (3, "nn.Identity()", False),
    ],
)
def test_a_share_of_one_sample_is_refused_where_batchnorm_cannot_train_on_it(
    tmp_path: Path, ranks: int, layer: str, is_refused: bool
):
    file = find_lecture(write_net(tmp_path / "net.py", NORM=layer))
    allow_named_file(file)
    # Of the 1438 samples 4 are left for the last batch.
    given = {"device": "cpu", "threads": 1, "batch_size": 478}
    settings = resolve_settings(load_lecture(file), given)
    group = Twice()
    group.count = ranks
    refused = pytest.raises(InvalidValue, match="batch_size: 3 ranks share a batch of 4")
    with refused if is_refused else nullcontext():
        prepare(settings, ranks=group)


@pytest.mark.parametrize(
    ("criterion", "is_equal"),
    [
        (nn.CrossEntropyLoss(), True),
        (nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 5.0])), False),
        (nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 5.0]), reduction="sum"), True),
        (nn.CrossEntropyLoss(ignore_index=1), False),
        (nn.MultiMarginLoss(weight=torch.tensor([1.0, 2.0, 5.0])), True),
    ],
)
def test_a_criterion_whose_mean_is_not_over_samples_is_noted(criterion: nn.Module, is_equal: bool):
    torch.manual_seed(0)
    outputs, targets = torch.randn(4, 3), torch.tensor([0, 2, 1, 1])
    shares = [criterion(outputs[rows], targets[rows]) for rows in (slice(0, 2), slice(2, 4))]
    factor = 1.0 if reduction_of(criterion) == "sum" else 0.5
    shared = sum(factor * share.nan_to_num().item() for share in shares)
    assert (shared == pytest.approx(criterion(outputs, targets).item(), rel=SUMMED)) == is_equal
    assert bool(notes_on_shares(criterion, 2)) != is_equal
    assert notes_on_shares(criterion, 1) == ()


def test_ranks_with_class_weights_say_that_the_run_is_not_equal():
    lecture = load_lecture(find_lecture("softmax"))
    lecture = replace(lecture, criterion=lambda: nn.CrossEntropyLoss(torch.ones(10)))
    settings = resolve_settings(lecture, {"device": "cpu", "threads": 1, "widths": (8,)})
    (note,) = prepare(settings, ranks=Twice()).notes
    assert "weight= or ignore_index=" in note
