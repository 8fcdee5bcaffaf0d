"""ctrl+p: commands as sentences, lectures in both languages, views of the model shown."""

from __future__ import annotations

from textual.command import CommandPalette

from tests.pilot import in_app, recorded_run
from tests.program import LONGEST
from tui_app.app.screens import palette
from tui_app.app.screens.palette import Entry
from tui_app.app.screens.runs_screen.runs import RunsScreen
from tui_app.app.widgets.model_pane import ModelPane
from tui_app.monitoring.run_queue import RunQueue


def test_every_word_has_to_be_somewhere_and_beginnings_count_more():
    entry = Entry("Show the lecture's source file", lambda: None, "o F4", "Source code")
    assert entry.score("file lect") > entry.score("ile ecture") > 0
    assert entry.score("source file") > entry.score("code") > 0
    assert not entry.score("source nothing")
    assert str(entry.shown()) == "Show the lecture's source file  o F4"


async def _search(person, text: str) -> None:
    await person.press("ctrl+p")
    await person.until(lambda: isinstance(person.app.screen, CommandPalette))
    await person.type(text)


@in_app(size=(80, 24))
async def test_commands_are_sentences_and_none_is_textuals_own(person):
    await person.press("ctrl+p")
    await person.until(lambda: "Start training with these settings  s F5" in person.text)
    assert "Page Up" not in person.text and "Scroll" not in person.text
    await person.type("quit")
    await person.until(lambda: "Leave tutorch" in person.text)
    assert "Start training" not in person.text


@in_app(size=(80, 24))
async def test_a_lecture_is_picked_by_its_number_from_another_screen(person):
    await person.press("r")
    await person.until(lambda: isinstance(person.app.screen, RunsScreen))
    await _search(person, "lecture 06")
    await person.until(lambda: "Lecture 06: Logistic regression · 逻辑斯蒂回归" in person.text)
    await person.press("enter")
    await person.until(lambda: person.app.screen is person.app.main)
    await person.until(lambda: person.form.draft.lecture.name.startswith("lecture_06"))


@in_app(size=(80, 24))
async def test_a_lecture_is_found_by_its_chinese_title(person):
    await person.press("ctrl+p")
    await person.press("反", "向")
    await person.until(lambda: "Lecture 04: Back propagation · 反向传播" in person.text)
    await person.until(lambda: "Lecture 05" not in person.text)


@in_app(lecture="softmax", size=(80, 24))
async def test_a_view_of_the_model_is_opened(person, monkeypatch):
    monkeypatch.setattr(palette, "_WAITING", LONGEST)
    await person.until(lambda: person.app.main.model_source() is not None)
    await _search(person, "view softmax")
    await person.until(lambda: "View: Softmax in numbers" in person.text)
    await person.press("enter")
    await person.until(lambda: person.app.main.query_one(ModelPane).has_class("-chosen"))
    await person.until(lambda: "sample 1 of the test set" in person.text)
    await _search(person, "view data")
    await person.until(lambda: "View: Data" in person.text)
    await person.press("enter")
    await person.until(lambda: "one batch" in person.text)


@in_app(size=(80, 24))
async def test_what_trains_can_be_stopped_from_the_palette(person, tmp_path):
    person.app.queue = RunQueue([recorded_run(tmp_path / "runs")])
    person.app.main.watch_run()
    await person.until(lambda: person.history.state == "paused")
    await _search(person, "stop")
    await person.until(lambda: "Stop and save" in person.text)
    await person.press("enter")
    await person.trained()
