"""The marks of a chart lie on the line that joins their points."""

from __future__ import annotations

import re

import numpy as np
import plotext
import pytest

from tui_app.app.widgets.curve_plot import to_braille_cells
from tui_app.drawing.ticks import WIDTH


@pytest.mark.parametrize(("width", "height"), [(60, 15), (71, 22), (118, 9)])
def test_a_mark_lies_in_the_cell_of_its_point(width: int, height: int):
    random = np.random.RandomState(0)
    x, y = np.sort(random.rand(12)) * 10, random.rand(12) * 3 + 1
    for point in zip(x, y, strict=True):
        line, sign = drawn(point, width, height, "braille"), drawn(point, width, height, "•")
        (dot,) = (place for place, char in enumerate(line) if "\u2801" <= char <= "\u28ff")
        assert dot == sign.index("•")


def drawn(point: tuple[float, float], width: int, height: int, marker: str) -> str:
    x, y = (np.array([value]) for value in point)
    if marker == "•":
        x = to_braille_cells(x, 0, 10, width - WIDTH - 1, 2)
        y = to_braille_cells(y, 1, 4, height - 2, 4)
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.limitsize(False, False)
    plotext.plotsize(width, height)
    plotext.yticks([1, 4], [f"{place:>{WIDTH}}" for place in (1, 4)])
    plotext.ylim(1, 4)
    plotext.xticks([0, 10], ["0", "10"])
    plotext.xlim(0, 10)
    plotext.xaxes(True, False)
    plotext.yaxes(True, False)
    plotext.scatter(x.tolist(), y.tolist(), marker=marker)
    return re.sub(r"\x1b\[[0-9;]*m", "", plotext.build())
