"""The cost surface: hidden parts, angles, contours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.views.test_views import found_in
from tui_app.drawing.pen import Pen
from tui_app.inspection.probes import load_probe
from tui_app.views import load_view
from tui_app.views.view import Frame

PLAIN = Pen(colour=False)


def saddle():
    return load_probe("saddle")(None, "")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("ask", ["²", "٣٤٥²", "9" * 5000, "-1"])
@pytest.mark.parametrize("name", ["saddle", "two_minima"])
def test_a_seed_that_is_no_whole_number_is_accepted(name, ask):
    assert load_probe(name)(None, ask)  # pyright: ignore[reportArgumentType]


def drawn(name: str, found, *, at: int = 0, columns: int = 80, rows: int = 24) -> list[str]:
    lines = load_view(name).lines(found, Frame(columns, rows, PLAIN, at))
    return [line.plain for line in lines]


def dots(lines: list[str]) -> int:
    """How many braille dots there are."""
    return sum((ord(c) - 0x2800).bit_count() for c in "".join(lines) if 0x2800 < ord(c) < 0x2900)


def test_each_angle_shows_another_side():
    found, view = saddle(), load_view("saddle_3d")
    sides = [
        "\n".join(drawn("saddle_3d", found, at=at))
        for at in range(view.place_count(found, Frame(80, 24)))
    ]
    assert len(set(sides)) == len(sides) == 24
    # The cost is symmetric in both of its weights: half a turn shows the same net again.
    first, opposite = (drawn("saddle_3d", found, at=at) for at in (4, 16))
    assert abs(dots(first) - dots(opposite)) < 0.05 * dots(first)


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (24, 8)])
def test_the_surface_fills_its_frame(size: tuple[int, int]):
    columns, rows = size
    for at in range(0, 24, 5):
        lines = drawn("saddle_3d", saddle(), at=at, columns=columns, rows=rows)
        assert len(lines) == rows
        used = [row for row, line in enumerate(lines[:-2]) if line.strip()]
        assert used[-1] - used[0] >= 0.6 * (rows - 3)


def test_what_lies_behind_the_surface_is_hidden():
    found = saddle()
    before, behind = np.zeros_like(found.cost), np.zeros_like(found.cost)
    before[:, :6] = behind[:, -6:] = 1.0  # turned by 90 degrees, the eye is where u is low
    hidden, shown = (
        dots(drawn("saddle_3d", replace(found, cost=wall, descents=found.descents[:1]), at=4))
        for wall in (before, behind)
    )
    assert hidden < 0.8 * shown


def test_the_lowest_point_and_the_path_are_on_the_surface(trained: Callable[..., Path]):
    folder = trained("05", "--epochs", "30", "--dataset", "noisy-line")
    found = found_in(folder, "landscape")
    lines = drawn("cost_surface_3d", found)
    assert sum(line.count("★") for line in lines[:-2]) == 1
    assert sum(line.count("o") for line in lines[:-2]) >= 3
    assert "30 degrees" in lines[-1]


def test_contours_are_lines_without_colour(trained: Callable[..., Path]):
    found = found_in(trained("05", "--epochs", "30", "--dataset", "noisy-line"), "landscape")
    lines = drawn("cost_surface", found)
    middle = [line[9:] for line in lines[:18]]
    # A valley of a parabola has bands on both sides: every row crosses several contours.
    assert all(sum(0x2800 < ord(c) < 0x2900 for c in line) >= 4 for line in middle)


def test_a_single_weight_has_no_surface(trained: Callable[..., Path]):
    found = found_in(trained("03", "--epochs", "20"), "landscape")
    assert load_view("cost_surface_3d").place_count(found, Frame(80, 24)) == 0
    assert "two or three weights" in drawn("cost_surface_3d", found)[0]
