"""The lesson of a lecture, as its file tells it."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Markdown

from models import Lesson


class LessonView(VerticalScroll):
    """Markdown that scrolls."""

    DEFAULT_CSS = """
    LessonView {
        border: round $foreground 25%;
        border-title-color: $text-muted;
        padding: 0 1;
        &.-focused { border: round $border; border-title-color: $text; }
        & > Markdown { padding: 0; margin: 0; }
        & MarkdownFence { margin: 1 0; }
    }
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.border_title = "Lesson"

    def compose(self) -> ComposeResult:
        """The text, empty until a lecture is picked."""
        yield Markdown(open_links=False)

    def show(self, lesson: Lesson, *, chinese: bool) -> None:
        """Show a lesson from its beginning."""
        title = lesson.title_zh if chinese else lesson.title
        text = lesson.text_zh if chinese else lesson.text
        number = f"{lesson.number} " if lesson.number else ""
        self.border_title = f"Lesson {number}{title}"
        self.border_subtitle = "English: z" if chinese else "中文: z"
        self.scroll_home(animate=False)
        self.query_one(Markdown).update(text)
