"""Texts are cut and aligned by cells in the same way on every screen and in every list."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.text import Text

from tui_app.text.cells import cut, cut_string, padded
from tui_app.text.columns import Column, aligned, fitted_widths, natural_widths

COLUMNS = (
    Column("id", importance=9),
    Column("lecture", importance=7, least=6),
    Column("state", importance=3),
    Column("best", importance=8, right=True),
)
ROWS = [["3f", "09 softmax classifier", "stopped", "97.5 %"], ["a1", "处理多维特征的输入", "", "-"]]


@pytest.mark.parametrize("text", ["softmax classifier", "多分类问题 softmax", "a 处理多维"])
@pytest.mark.parametrize("width", range(22))
def test_a_text_with_styles_and_one_without_are_cut_alike(text: str, width: int):
    short = cut_string(text, width)
    assert short == cut(Text(text), width).plain
    assert cell_len(short) <= width
    assert not short.endswith(" …")
    assert cell_len(padded(text, width)) == width
    assert padded(text, width, right=True).lstrip() == short


def lines(room: int) -> list[str]:
    cells = [[column.title for column in COLUMNS], *ROWS]
    widths = fitted_widths(COLUMNS, natural_widths(cells), room)
    return [aligned(COLUMNS, row, widths) for row in cells]


def test_columns_are_as_wide_as_their_texts_where_there_is_room():
    assert lines(80)[1] == "3f  09 softmax classifier  stopped  97.5 %"
    assert lines(80)[2].endswith("     -")


def test_texts_are_cut_before_a_column_is_left_out():
    head, first, second = lines(27)
    assert head == "id  lectu…  state      best"
    assert first == "3f  09 so…  stopped  97.5 %"
    assert second == "a1  处理…                 -"  # as wide as the others: 处 takes 2 cells
    assert "state" not in lines(26)[0]
    assert lines(26)[1] == "3f  09 softmax cl…  97.5 %"


def test_no_line_is_wider_than_its_room():
    for room in range(12, 60):
        assert all(cell_len(line) <= room for line in lines(room))
