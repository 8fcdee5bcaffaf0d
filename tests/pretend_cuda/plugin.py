"""Leaves out tests that need what a GPU computed: a pytest plugin of the pretend CUDA."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests with the marker `gpu_numbers`."""
    left_out = [item for item in items if item.get_closest_marker("gpu_numbers")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)
