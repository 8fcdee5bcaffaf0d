"""The lectures in the course's order, with what has been trained of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from models import Lesson
from tui_app.messages import LectureChosen, LectureHighlighted


@dataclass(frozen=True)
class Trained:
    """What has come of a lecture so far: how many runs, and the best result as it is written."""

    runs: int
    best: str


class LectureList(OptionList):
    """Number, title in both languages, and the best result."""

    DEFAULT_CSS = """
    LectureList {
        height: 1fr;
        border: round $foreground 25%;
        border-title-color: $text-muted;
        background: $background;
        padding: 0;
        &:focus { background-tint: 0%; }
        &:ansi:blur > .option-list--option-highlighted { background: ansi_bright_black; }
        &.-focused { border: round $border; border-title-color: $text; }
    }
    """

    def __init__(self, lessons: Sequence[Lesson], *, chinese: bool, **options: Any) -> None:
        self._chinese = chinese
        self._lessons = {lesson.name: lesson for lesson in lessons}
        super().__init__(*(self._option(lesson, None) for lesson in lessons), **options)
        self.border_title = "Lectures"

    def mark(self, trained: Mapping[str, Trained]) -> None:
        """Show what has been trained."""
        for name, lesson in self._lessons.items():
            if name in trained:
                prompt = _prompt(lesson, trained[name], chinese=self._chinese)
                self.replace_option_prompt(name, prompt)

    def select(self, name: str) -> None:
        """Highlight the lecture of that name, if it is in the list."""
        if name in self._lessons:
            self.highlighted = self.get_option_index(name)

    def add(self, lesson: Lesson) -> None:
        """A lecture from a file of the user's own."""
        if lesson.name not in self._lessons:
            self._lessons[lesson.name] = lesson
            self.add_option(self._option(lesson, None))

    def _option(self, lesson: Lesson, trained: Trained | None) -> Option:
        return Option(_prompt(lesson, trained, chinese=self._chinese), id=lesson.name)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say which lecture is looked at."""
        event.stop()
        self.post_message(LectureHighlighted(self._lessons[str(event.option_id)].path))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Say which lecture was picked."""
        event.stop()
        self.post_message(LectureChosen(self._lessons[str(event.option_id)].path))


def _prompt(lesson: Lesson, trained: Trained | None, *, chinese: bool) -> Table:
    row = Table.grid(expand=True, padding=(0, 1, 0, 0))
    row.add_column(width=2)
    row.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    row.add_column(justify="right", no_wrap=True)
    title = Text(lesson.title)
    if chinese and lesson.title_zh != lesson.title:
        title.append(f"  {lesson.title_zh}", "dim")
    best = Text(f"● {trained.best}" if trained else "", "green")
    row.add_row(Text(lesson.number, "dim"), title, best)
    return row
