"""Learning rate schedules agree with torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.lecture import Hyperparameters
from tests.tolerances import FLOAT64
from tui_app.training.schedule import Schedule, spans_of


def schedule(kind: str, steps: int = 100) -> Schedule:
    hp = Hyperparameters(lr_schedule=kind, lr_step_epochs=2, lr_gamma=0.5)  # pyright: ignore[reportArgumentType]
    return Schedule(hp, steps_per_epoch=10, spans=((0, steps),))


def test_a_schedules_spans_are_read_in_both_recorded_forms() -> None:
    assert spans_of([[0, 10], [10, 30]]) == ((0, 10), (10, 30))
    assert spans_of({"first_step": 0, "last_step": 30}) == ((0, 30),)
    assert spans_of({"first_step": 10, "last_step": 30}) == ((0, 10), (10, 30))
    for nonsense in ([], [[5, 10]], [[0]], 7, {"first_step": 1}):
        with pytest.raises((TypeError, ValueError, KeyError)):
            spans_of(nonsense)


def test_one_cycle_equals_torchs_scheduler() -> None:
    """Except at the ends: torch's schedule is one step shorter."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=1000)
    ours = schedule("one-cycle", 1000)
    for step in range(1000):
        assert ours.factor(step) == pytest.approx(theirs.get_last_lr()[0], abs=0.01)
        optimizer.step()
        theirs.step()


def test_cosine_and_step_schedules_start_at_the_lr_and_fall() -> None:
    cosine = [schedule("cosine").factor(step) for step in range(101)]
    assert (cosine[0], cosine[50], cosine[100]) == pytest.approx((1.0, 0.5, 0.0), abs=FLOAT64)
    assert cosine == sorted(cosine, reverse=True)
    steps = [schedule("step").factor(step) for step in (0, 19, 20, 40, 99)]
    assert steps == [1.0, 1.0, 0.5, 0.25, 0.0625]


def test_milestones_equal_torchs_scheduler() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[2, 5], gamma=0.5)
    hp = Hyperparameters(lr_schedule="milestones", lr_milestones=(5, 2), lr_gamma=0.5)
    ours = Schedule(hp, steps_per_epoch=10, spans=((0, 80),))
    for epoch in range(8):
        factors = {ours.factor(10 * epoch + step) for step in range(10)}
        assert factors == {theirs.get_last_lr()[0]}
        optimizer.step()
        theirs.step()
    assert ours.extended(80, 90) == Schedule(hp, 10, ((0, 90),))


def test_a_linear_schedule_falls_to_zero_and_starts_anew_when_it_is_extended() -> None:
    linear = schedule("linear", 40)
    factors = [linear.factor(step) for step in (0, 10, 20, 39, 40)]
    assert factors == pytest.approx([1.0, 0.75, 0.5, 0.025, 0.0], abs=FLOAT64)
    longer = linear.extended(40, 60)
    assert [longer.factor(step) for step in (20, 40, 50)] == [0.5, 1.0, 0.5]
