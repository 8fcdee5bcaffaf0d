"""The screen with a lecture's source, whatever the file's name and even if it is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pilot import Sitting, in_app
from tests.program import tutorch
from tui_app.app.screens.source import SourceScreen


@pytest.mark.parametrize("name", ["my_net.py", "[bold]net.py"])
def test_the_source_is_shown_under_its_own_name(tmp_path: Path, name: str):
    assert tutorch("new", "my_net").exit_code == 0
    net = (tmp_path / "my_net.py").rename(tmp_path / name)

    @in_app(str(net), size=(80, 24))
    async def look(person: Sitting):
        await person.press("o")
        await person.until(lambda: isinstance(person.app.screen, SourceScreen))
        await person.until(lambda: name in person.text)

    look()


def test_a_source_that_is_gone_is_a_sentence(tmp_path: Path):
    assert tutorch("new", "my_net").exit_code == 0

    @in_app(str(tmp_path / "my_net.py"), size=(80, 24))
    async def look(person: Sitting):
        (tmp_path / "my_net.py").unlink()
        await person.press("o")
        await person.until(lambda: "can't be read: No such file or directory" in person.sentence)

    look()


def test_a_chinese_lesson_in_another_encoding_is_shown_as_far_as_it_can_be_read(tmp_path: Path):
    assert tutorch("new", "my_net").exit_code == 0
    (tmp_path / "zh").mkdir()
    (tmp_path / "zh" / "my_net.md").write_bytes("# 课程 and some English".encode("gbk"))

    @in_app(str(tmp_path / "my_net.py"), size=(80, 24))
    async def look(person: Sitting):
        await person.press("2", "z")
        await person.until(lambda: "and some English" in person.sentence)

    look()
