"""Shows the lesson of a lecture, from its file."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.markup import escape

from models import Lesson
from tui_app.app.widgets.broken_lecture import LOAD_AGAIN
from tui_app.app.widgets.lesson_text import LessonText

#: The indent that makes a line code in Markdown, and the columns left free beside code.
_INDENT = " " * 4
_AROUND_CODE = 4


class LessonView(VerticalScroll):
    """The lesson's Markdown, scrollable."""

    DEFAULT_CSS = """
    LessonView {
        border: round $foreground 25%;
        border-title-color: $text-muted;
        padding: 0 1;
        &.-focused { border: round $border; border-title-color: $text; }
        & > LessonText { padding: 0; margin: 0; }
        & MarkdownFence { margin: 1 0; }
    }
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.border_title = "Lesson"
        self._text = ""
        self._titles = ("Lesson", "")

    def compose(self) -> ComposeResult:
        """Create the text, empty until a lecture is picked."""
        yield LessonText()

    def show(self, lesson: Lesson, *, chinese: bool, problem: str = "") -> None:
        """Show a lesson from its beginning, below the `problem` if its lecture can't be used."""
        title = lesson.title_zh if chinese else lesson.title
        text = lesson.text_zh if chinese else lesson.text
        number = f"{lesson.number} " if lesson.number else ""
        own = escape(f"Lesson {number}{title}")
        self._titles = (own, "English: z" if chinese else "中文: z")
        self._text = f"{_as_markdown(problem)}\n\n{text}" if problem else text
        self._write()

    def on_resize(self) -> None:
        """Rewrite the text if lines of code no longer fit, or fit again."""
        self._write()

    def _write(self) -> None:
        text = fitted(self._text, self.scrollable_content_region.width - _AROUND_CODE)
        if text != self.query_one(LessonText).source:
            self.run_worker(self._rewrite(text, *self._titles), group="lesson")
        else:
            self.border_title, self.border_subtitle = self._titles

    async def _rewrite(self, text: str, title: str, subtitle: str) -> None:
        """Replace text and titles in one frame."""
        title_changed = title != self.border_title
        with self.app.batch_update():
            await self.query_one(LessonText).update(text)
            self.border_title, self.border_subtitle = title, subtitle
            if title_changed:
                self.scroll_home(animate=False)


_MARKS = re.compile(r"[!-/:-@[-`{-~]")


def _as_markdown(problem: str) -> str:
    """Escape a problem for Markdown; indented lines become code."""
    lines = [
        line if line.startswith(_INDENT) else _MARKS.sub(r"\\\g<0>", line)
        for line in problem.splitlines()
    ]
    paragraphs = "\n\n".join([*lines, LOAD_AGAIN])
    return f"**This lecture can't be used.**\n\n{paragraphs}"


_COMMENTED = re.compile(r"(\s*)(\S.*?)\s{2,}(#\s.*)")


def fitted(text: str, columns: int) -> str:
    """Move comments above their lines, in code that is wider than `columns`."""
    lines: list[str] = []
    for is_code, group in groupby(text.splitlines(), key=lambda line: line.startswith(_INDENT)):
        block = list(group)
        if is_code and max(map(len, block)) - len(_INDENT) > columns:
            block = [piece for line in block for piece in _comment_above(line)]
        lines += block
    return "\n".join(lines)


def _comment_above(line: str) -> list[str]:
    match = _COMMENTED.fullmatch(line)
    return [match[1] + match[3], match[1] + match[2]] if match else [line]
