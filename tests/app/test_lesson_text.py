"""Renders lessons: code is highlighted by its language, and Chinese has no stray spaces."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual.content import Content

from models import find_lecture, lecture_names, read_lesson
from tests.pilot import in_app
from tui_app.app.widgets.lesson_text import (
    LessonCode,
    LessonParagraph,
    language_of,
    parser,
    wrapped,
)
from tui_app.app.widgets.lesson_view import LessonView

_DRAWING = "x ──┐\nw ──┴─ × ── ŷ ──┐\n            y ──┴─ − ── r ── square ── loss"


@pytest.mark.parametrize(
    ("code", "language"),
    [
        (_DRAWING, "text"),
        ("H(x) = relu(x + F(x))", "text"),
        ("tutorch --no-tui 05\n# then\ntutorch predict last 4", "bash"),
        ("loss.backward()   # backward\noptimizer.step()", "python"),
    ],
)
def test_code_is_highlighted_by_its_language(code, language):
    assert language_of(code) == language


def test_no_drawing_or_formula_in_a_lesson_is_highlighted_as_code():
    drawings = 0
    for name in lecture_names():
        for token in parser().parse(read_lesson(find_lecture(name)).text):
            if token.type == "code_block" and language_of(token.content) == "text":
                drawings += 1
                spans = LessonCode.highlight(token.content, token.info).spans
                assert {span.style for span in spans} == {"$text"}, token.content
    assert drawings > 10
    assert len(LessonCode.highlight("import torch", "").spans) > 1


def _text_of(markdown: str) -> str:
    inline = next(token for token in parser().parse(markdown) if token.type == "inline")
    words = {"softbreak": " "}
    return "".join(words.get(child.type, child.content) for child in inline.children or [])


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("随机\n梯度下降", "随机梯度下降"),
        ("叫做**随机**\n梯度下降", "叫做随机梯度下降"),
        ("再用\nSGD 训练", "再用 SGD 训练"),
        ("凑得起来，\nsoftmax", "凑得起来，softmax"),
        ("one\ntwo", "one two"),
    ],
)
def test_a_line_break_within_chinese_becomes_no_space(source, text):
    assert _text_of(source) == text


def test_no_chinese_lesson_has_a_space_between_two_of_its_characters():
    wide = range(0x4E00, 0x9FFF)
    for name in lecture_names():
        for token in parser().parse(read_lesson(find_lecture(name)).text_zh):
            children = token.children or []
            for before, mid, after in zip(children, children[1:], children[2:], strict=False):
                if mid.type == "softbreak" and before.content and after.content:
                    ends = ord(before.content[-1]), ord(after.content[0])
                    assert not all(end in wide for end in ends), (name, before, after)


def test_chinese_lines_are_full_and_none_begins_with_punctuation():
    text = "随机梯度下降每次只用一个样本，batch 则一次用很多个。" * 4
    lines = wrapped(Content(text), 30).plain.split("\n")
    assert "".join(line.replace(" ", "") for line in lines) == text.replace(" ", "")
    assert all(24 <= cell_len(line) <= 30 for line in lines[:-1])
    assert not any(line[0] in "，。" for line in lines)


@in_app(lecture="softmax", size=(80, 24))
async def test_a_chinese_lesson_fills_its_lines(person):
    await person.press("2", "z")
    await person.until(lambda: "多分类问题" in person.text and "十个答案" in person.text)
    lesson = person.app.main.query_one(LessonView)
    paragraph = next(p for p in lesson.query(LessonParagraph) if "十遍" in str(p.content))
    width = paragraph.size.width
    await person.until(lambda: "\n" in str(paragraph.content))
    first = str(paragraph.content).split("\n")[0]
    assert width - 4 <= cell_len(first) <= width
