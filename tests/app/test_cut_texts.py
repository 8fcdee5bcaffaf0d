"""Text that doesn't fit ends in … and can be reached: lectures, the top line, the key bar."""

from __future__ import annotations

import pytest
from rich.text import Text

from tests.pilot import in_app
from tui_app.app.widgets.nav_bar import NavBar
from tui_app.text.cells import cut, cut_together


@pytest.mark.parametrize(
    ("width", "text"),
    [(8, "处理多维"), (7, "处理多…"), (6, "处理…"), (1, "…"), (0, "")],
)
def test_a_text_is_cut_without_a_space_before_the_dots(width, text):
    assert cut(Text("处理多维"), width).plain == text
    assert cut(Text("a 处理"), 3).plain == "a…"


def test_the_longest_words_are_cut_first_and_one_of_them_is_kept_whole():
    assert cut_together(["Lectures", "Log", "Settings"], 30) == ["Lectures", "Log", "Settings"]
    assert cut_together(["Lectures", "Log", "Settings"], 16, 2) == ["Lect…", "Log", "Settings"]


@in_app(lecture="07_", size=(120, 36))
async def test_a_cut_title_is_shown_below_the_list(person):
    await person.until(lambda: "处理多维特征…" in person.text)
    assert "特 …" not in person.text
    assert "─ 处理多维特征的输入 ─" in person.text
    await person.press("1", "down", "down")
    await person.until(lambda: "─ 处理多维特征的输入 ─" not in person.text)


@in_app(size=(60, 20))
async def test_a_narrow_screen_shortens_titles_and_the_key_bar_shows_that_keys_are_missing(person):
    await person.press("3")
    header = person.text.splitlines()[0]
    assert "3 Settings" in header and "7 Mo" in header and "…" in header
    tabs = list(person.app.main.query_one(NavBar).query(".tab"))
    assert [tab.tooltip for tab in tabs if tab.title == "1 Lectures"] == ["1 Lectures"]
    await person.press("r")
    await person.until(lambda: "esc Back" in person.text)
    footer = person.text.splitlines()[-1]
    assert "… " in footer and footer.rstrip().endswith("? Keys")
    assert "Extend" not in footer


@in_app(lecture="05_", size=(50, 12))
async def test_a_terminal_too_small_for_panes_says_so_before_a_run_and_during_one(person):
    def said() -> str:
        return " ".join(person.text.split())

    hint = "tutorch needs 60x16 to show more; this terminal has 50x12."
    await person.until(lambda: f"ready {hint}" in said())
    await person.until(lambda: person.form.can_start)  # its settings are loaded
    await person.press("s")
    await person.until(lambda: "epoch 1" in said() and hint in said())
