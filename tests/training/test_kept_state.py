"""State that a model keeps between steps, wherever it hides."""

from __future__ import annotations

import collections
import itertools
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tui_app.training.recording.kept_state import KeptState


class Keeps(nn.Module):
    """A layer with something in `kept`, which `change` changes in each forward pass."""

    shared: list[int] = [0]  # noqa: RUF012 # of the class, as a beginner may write it

    def __init__(self, kept: Any = None, change: Callable[[Any], object] | None = None) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.norm = nn.BatchNorm1d(2)
        self.kept = kept
        self.change = change

    def forward(self, x: Tensor) -> Tensor:
        if self.change is not None:
            self.change(self.kept)
        return self.norm(self.layer(x))


def is_changed_by_a_step(model: nn.Module) -> bool:
    before = KeptState([model])
    model(torch.ones(3, 2)).sum().backward()
    return before != KeptState([model])


def add_one(box: Any) -> None:
    box[0] += 1


def count_in_class(_: Any) -> None:
    Keeps.shared[0] += 1


def refer_to_itself() -> list[Any]:
    kept: list[Any] = [1]
    kept.append(kept)
    return kept


@pytest.mark.parametrize(
    ("kept", "change"),
    [
        ([0], add_one),
        ({0: 0}, add_one),
        ([[1, [2]]], lambda kept: kept[0][1].append(3)),
        ((1, [0]), lambda kept: add_one(kept[1])),
        ({"a": {"b": [0]}}, lambda kept: add_one(kept["a"]["b"])),
        (set(), lambda kept: kept.add(len(kept))),
        (collections.deque([1.0]), lambda kept: kept.append(2.0)),
        (collections.Counter(), lambda kept: kept.update("a")),
        (refer_to_itself(), add_one),
        (SimpleNamespace(count=0), lambda kept: setattr(kept, "count", kept.count + 1)),
        (np.zeros(2), add_one),
        (torch.zeros(2), lambda kept: kept.add_(1)),
        ([torch.zeros(2)], lambda kept: kept[0].add_(1)),
        ([torch.zeros(2)], lambda kept: kept.__setitem__(0, torch.zeros(2))),
        (random.Random(0), lambda kept: kept.random()),
        (np.random.default_rng(0), lambda kept: kept.random()),
        (torch.Generator(), lambda kept: torch.rand(1, generator=kept)),
        (itertools.count(), next),
        (None, count_in_class),
    ],
)
def test_a_change_is_found(kept: Any, change: Callable[[Any], object]) -> None:
    assert is_changed_by_a_step(Keeps(kept, change))
    assert not is_changed_by_a_step(Keeps(kept)), "only the change is one"


def replace_by_equal(model: Any) -> None:
    model.kept = (3, float("nan"), [2])


def test_weights_buffers_and_equal_values_are_no_change() -> None:
    model = Keeps()
    model.change = lambda _: replace_by_equal(model)
    assert is_changed_by_a_step(model)
    assert not is_changed_by_a_step(model)


def test_a_replaced_buffer_is_a_change() -> None:
    model = Keeps()
    model.change = lambda _: model.norm.register_buffer("running_mean", torch.zeros(2))
    assert is_changed_by_a_step(model)


def test_a_module_in_a_list_is_searched() -> None:
    """torch doesn't know of it."""
    inner = Keeps([0], add_one)
    assert is_changed_by_a_step(Keeps([inner], lambda kept: kept[0](torch.ones(3, 2))))
