"""`tutorch lectures`: the syllabus. Reads the files without importing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models import find_lecture, lecture_names, read_lesson
from tui_app.commands.arguments import JsonArguments, parse
from tui_app.terminal.printing import print_json, print_list
from tui_app.text.columns import Column

_COLUMNS = (
    Column("name", importance=3),
    Column("title", importance=2, least=16),
    Column("", importance=1, least=12),
)


@dataclass(kw_only=True)
class Lectures(JsonArguments):
    """List the lectures in the course's order."""


def main(argv: Sequence[str]) -> int:
    """Print the lectures."""
    arguments, _ = parse(Lectures, argv)
    lessons = [read_lesson(find_lecture(name)) for name in lecture_names()]
    if arguments.json:
        print_json([{"name": x.name, "title": x.title, "title_zh": x.title_zh} for x in lessons])
    else:
        print_list(_COLUMNS, [[x.name, x.title, x.title_zh] for x in lessons])
    return 0
