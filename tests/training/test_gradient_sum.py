"""Summed gradients keep their layout, their type and their absence; shares cover a batch."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from models import find_lecture
from models.fields import InvalidValue
from models.loading.load import load_lecture
from models.user_files.trust import allow_named_file
from tests.tolerances import FLOAT32
from tests.training.rank_net import write_net
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training.data.sampler import SeededBatchSampler
from tui_app.training.prepare import prepare
from tui_app.training.ranks.gradient_sum import GradientSum
from tui_app.training.ranks.ranks import Alone


class Twice(Alone):
    """Two ranks that have the same values."""

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
