"""Work beside training takes at most its share of the time."""

from __future__ import annotations

import pytest

from tests.tolerances import FLOAT64
from tui_app.training import throttle
from tui_app.training.throttle import Throttle


@pytest.mark.parametrize(
    ("cost", "pause"), [(0.0, 0.5), (0.01, 0.5), (0.1, 2.0), (1.0, 4.0)], ids=str
)
def test_the_pause_grows_with_the_cost_between_its_limits(cost: float, pause: float):
    assert Throttle(0.05, 0.5, 4.0).pause(cost) == pytest.approx(pause, rel=FLOAT64)


def test_work_is_due_once_its_pause_is_over(monkeypatch: pytest.MonkeyPatch):
    now = 100.0
    monkeypatch.setattr(throttle.time, "monotonic", lambda: now)
    work = Throttle(0.05, 0.5)
    assert work.is_due
    work.start_pause(0.1)
    now += 1.9
    assert not work.is_due
    work.lengthen_pause(0.1)
    now += 1.9
    assert not work.is_due
    now += 0.3
    assert work.is_due
    work.start_pause(10.0)
    assert not work.is_due
    work.end_pause()
    assert work.is_due
