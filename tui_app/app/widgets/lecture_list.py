"""Lists the lectures in the course's order, with the best result of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from models import Lesson
from tui_app.app.messages import LectureChosen, LectureHighlighted
from tui_app.app.run_summaries import Trained
from tui_app.text.cells import cut


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
        self._rows: dict[str, _Row] = {}
        rows = (Option(self._row(each.name, each, None), id=each.name) for each in lessons)
        super().__init__(*rows, **options)
        self.border_title = "Lectures"

    @property
    def lessons(self) -> Sequence[Lesson]:
        """All listed lessons, in their order."""
        return list(self._lessons.values())

    def mark(self, trained: Mapping[tuple[str, str], Trained]) -> None:
        """Show the results, by the lectures' keys."""
        for key, lesson in self._lessons.items():
            if lesson.key in trained:
                self.replace_option_prompt(key, self._row(key, lesson, trained[lesson.key]))
        self._show_cut_title()

    def add(self, lesson: Lesson) -> None:
        """Add a lecture from the user's file, or replace it after a change."""
        key = self._key(lesson.path)
        if key is None:
            key = str(lesson.path) if lesson.name in self._lessons else lesson.name
            self._lessons[key] = lesson
            self.add_option(Option(self._row(key, lesson, None), id=key))
        elif lesson != self._lessons[key]:
            self._lessons[key] = lesson
            self.replace_option_prompt(key, self._row(key, lesson, self._rows[key].trained))
            self._show_cut_title()

    def select(self, path: Path) -> None:
        """Highlight the lecture of that file, if it is listed."""
        key = self._key(path)
        if key is not None:
            self.highlighted = self.get_option_index(key)

    def highlights(self, path: Path) -> bool:
        """Whether the lecture of that file is highlighted."""
        option = self.highlighted_option
        return option is not None and self._lessons[str(option.id)].path == path

    def _key(self, path: Path) -> str | None:
        return next((key for key, lesson in self._lessons.items() if lesson.path == path), None)

    def _row(self, key: str, lesson: Lesson, trained: Trained | None) -> _Row:
        row = self._rows[key] = _Row(lesson, trained, chinese=self._chinese)
        return row

    def on_resize(self) -> None:
        """Show the highlighted title below the list if it is cut now."""
        self._show_cut_title()

    def _show_cut_title(self) -> None:
        """Show the highlighted lecture's last title below the list, if its row cuts it."""
        option = self.highlighted_option
        if option is None:
            return
        lesson, row = self._lessons[str(option.id)], self._rows[str(option.id)]
        is_cut = row.titles.cell_len > row.title_width(self.scrollable_content_region.width)
        self.border_subtitle = Content(_last_title(lesson, chinese=self._chinese) if is_cut else "")

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Post which lecture is highlighted."""
        event.stop()
        self._show_cut_title()
        self.post_message(LectureHighlighted(self._lessons[str(event.option_id)].path))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Post which lecture was chosen."""
        event.stop()
        self.post_message(LectureChosen(self._lessons[str(event.option_id)].path))


def _last_title(lesson: Lesson, *, chinese: bool) -> str:
    return lesson.title_zh if chinese else lesson.title


class _Row:
    """Number and titles, cut to fit, and the best result on the right."""

    def __init__(self, lesson: Lesson, trained: Trained | None, *, chinese: bool) -> None:
        self.trained = trained
        self.titles = Text(lesson.title)
        if chinese and lesson.title_zh != lesson.title:
            self.titles.append(f"  {lesson.title_zh}", "dim")
        self._number = Text(f"{lesson.number:<2} ", "dim")
        self._best = Text(f" ● {trained.best} " if trained else "", "green")

    def title_width(self, width: int) -> int:
        """The width for the titles in a row of `width` cells."""
        return width - self._number.cell_len - self._best.cell_len

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        titles = cut(self.titles, self.title_width(options.max_width))
        gap = self.title_width(options.max_width) - titles.cell_len
        yield Text.assemble(self._number, titles, " " * max(0, gap), self._best, no_wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, options.max_width)
