"""Losses are recorded by the shortest digits that mean the same float32."""

from __future__ import annotations

import numpy as np
import pytest

from tui_app.training.shortest_digits import shortest_digits

_RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    "numbers",
    [
        _RANDOM.random(20_000),
        _RANDOM.random(20_000) * 10 ** _RANDOM.uniform(-45, 39, 20_000),
        _RANDOM.integers(0, 2**32, 20_000, dtype=np.uint32).view(np.float32),  # any bits
        _RANDOM.integers(0, 10**6, 20_000) / 1000,
        _RANDOM.integers(0, 2**31, 20_000),
        2.0 ** np.arange(-149, 128),
        np.nextafter(10.0 ** np.arange(-44, 39), 0, dtype=np.float32),
        10.0 ** np.arange(-44, 39),
        -_RANDOM.random(100),
        np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0]),
        np.zeros(100),
    ],
)
def test_they_are_those_that_str_finds(numbers: np.ndarray):
    with np.errstate(all="ignore"):
        numbers = numbers.astype(np.float32)
    expected = [float(str(number)) for number in numbers]
    assert list(map(repr, shortest_digits(numbers))) == list(map(repr, expected))
