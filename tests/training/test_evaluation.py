"""Evaluation, the ranking of the best models, and divergence."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from tests.tolerances import FLOAT64, SUMMED
from tests.training.test_batches import images
from tui_app.training.best_models import BestModels, RankedModel
from tui_app.training.data.device_split import DeviceSplit
from tui_app.training.divergence import first_diverged, loss_diverged_text
from tui_app.training.evaluation import CHUNK, EvaluationStopped, evaluate
from tui_app.training.ranks.ranks import Alone


def split_of(inputs: torch.Tensor, targets: torch.Tensor) -> DeviceSplit:
    return DeviceSplit(inputs, targets, images(), torch.device("cpu"))


class Constant(nn.Module):
    """Always predicts class 1, and has dropout that evaluation must switch off."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.9)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(len(x), 3)
        logits[:, 1] = 1.0
        return self.dropout(logits)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_evaluation_in_chunks_equals_the_whole_split_at_once(reduction: str) -> None:
    targets = torch.arange(4500) % 3
    split = split_of(torch.zeros(4500, 1), targets)  # three unequal chunks
    model, criterion = Constant(), nn.CrossEntropyLoss(reduction=reduction)
    values = evaluate(model, criterion, split, "multiclass")
    with torch.no_grad():
        whole = criterion(model.eval()(split.inputs), targets).item()
    assert values["loss"] == pytest.approx(whole, rel=SUMMED)
    assert values["accuracy"] == pytest.approx(1 / 3, rel=FLOAT64)


class Leftmost(nn.Module):
    """Predicts class 0 unless the image's left half is brighter than 1, and then class 1."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left = x[..., : x.shape[-1] // 2].mean(dim=(1, 2, 3))
        return torch.stack([torch.ones_like(left), left], dim=1)


def test_the_flip_accuracy_is_that_of_the_mean_logits_of_an_image_and_its_mirror_image() -> None:
    left = torch.tensor([1.5, 1.5, 1.2, 0.5])  # of the halves' brightness
    right = torch.tensor([0.0, 1.1, 0.6, 0.9])
    images = torch.stack([left, right], dim=1).reshape(4, 1, 1, 2)
    targets = torch.tensor([0, 1, 0, 0])
    args = Leftmost(), nn.CrossEntropyLoss(), split_of(images, targets), "multiclass"
    values = evaluate(*args, flip=True)
    # The means of both halves are 0.75, 1.3, 0.9 and 0.7: classes 0, 1, 0, 0. Alone: 1, 1, 1, 0.
    assert (values["accuracy"], values["flip_accuracy"]) == (0.5, 1.0)
    assert "flip_accuracy" not in evaluate(*args)


def test_evaluation_restores_training_mode_and_can_be_stopped() -> None:
    model = Constant().train()
    split = split_of(torch.zeros(10, 1), torch.zeros(10, dtype=torch.int64))
    with pytest.raises(EvaluationStopped):
        evaluate(model, nn.CrossEntropyLoss(), split, "multiclass", lambda: True)
    assert model.training


class InThread(Alone):
    """One of several ranks, each in a thread of its own, with the sums that they share."""

    def __init__(self, rank: int, barrier: threading.Barrier, given: list[Sequence[float]]) -> None:
        self.rank, self.count = rank, barrier.parties
        self._barrier, self._given = barrier, given

    def share(self, size: int) -> slice:
        ends = [size * rank // self.count for rank in range(self.count + 1)]
        return slice(ends[self.rank], ends[self.rank + 1])

    def sum(self, values: Sequence[float]) -> list[float]:
        self._given[self.rank] = values
        self._barrier.wait(10)
        sums = [float(sum(each)) for each in zip(*self._given, strict=True)]
        self._barrier.wait(10)
        return sums


def evaluated_by_ranks(
    split: DeviceSplit, stopped: Callable[[], bool]
) -> list[tuple[int, dict[str, float] | None]]:
    """The chunks and the values of each of three ranks, none if it stopped; rank 0 asks `stopped`.

    Each rank waits 10 seconds for the others, then all of them fail.
    """
    barrier, given = threading.Barrier(3), list[Sequence[float]]([()] * 3)

    def evaluated(rank: int) -> tuple[int, dict[str, float] | None]:
        model, chunks = Constant(), list[object]()
        model.register_forward_hook(lambda *call: chunks.append(call))
        asked = stopped if rank == 0 else lambda: False
        ranks = InThread(rank, barrier, given)
        criterion = nn.CrossEntropyLoss()
        try:
            values = evaluate(model, criterion, split, "multiclass", asked, ranks=ranks)
        except EvaluationStopped:
            return len(chunks), None
        return len(chunks), values

    with ThreadPoolExecutor(3) as threads:
        return list(threads.map(evaluated, range(3)))


def test_ranks_evaluate_a_part_each_and_stop_between_the_same_chunks() -> None:
    size = 6 * CHUNK + 1  # only the last rank has a sample in a third chunk
    split = split_of(torch.zeros(size, 1), torch.arange(size) % 3)
    values = evaluate(Constant(), nn.CrossEntropyLoss(), split, "multiclass")
    found = evaluated_by_ranks(split, lambda: False)
    assert [chunks for chunks, _ in found] == [2, 2, 3]
    assert all(each == pytest.approx(values, rel=SUMMED) for _, each in found)
    answers = iter([False, True])
    assert evaluated_by_ranks(split, lambda: next(answers)) == [(1, None)] * 3


def test_a_binary_logit_is_judged_at_probability_one_half() -> None:
    split = split_of(
        torch.tensor([[-2.0], [-0.1], [0.1], [3.0]]), torch.tensor([[0.0], [1], [1], [1]])
    )
    values = evaluate(nn.Identity(), nn.BCEWithLogitsLoss(), split, "binary")
    assert values["accuracy"] == 0.75


def test_best_models_are_ranked_and_a_tie_keeps_the_earlier() -> None:
    best = BestModels("accuracy", highest=True, keep=2)
    model = nn.Linear(1, 1)
    places = [
        best.offer(value, epoch, epoch, model) for epoch, value in enumerate([0.5, 0.9, 0.9, 0.7])
    ]
    assert places == [0, 0, 1, None]
    assert [(kept.value, kept.epoch) for kept in best.ranking] == [(0.9, 1), (0.9, 2)]


def test_a_model_that_is_not_finite_is_never_ranked() -> None:
    best = BestModels("loss", highest=False, keep=1)
    model = nn.Linear(1, 1)
    assert best.offer(math.nan, 1, 1, model) is None
    with torch.no_grad():
        model.weight.fill_(math.inf)
    assert best.offer(0.1, 2, 2, model) is None
    assert best.best is None


def test_divergence_is_a_loss_that_is_not_finite_or_a_million_times_the_first() -> None:
    assert first_diverged((1.0, 2.0, 9e5), 1.0) is None
    assert first_diverged((1.0, 2e6, 1.0), 1.0) == 1
    assert first_diverged((1.0, math.nan), 1.0) == 1
    text = loss_diverged_text(math.inf, 0.3, 7, 2, None)
    assert "step 7" in text
    assert "0.3" in text
    assert "no best model" in text
    best = RankedModel(0.5, 1, 4, {})
    assert "of epoch 1, is kept" in loss_diverged_text(math.inf, 0.3, 7, 2, best)
