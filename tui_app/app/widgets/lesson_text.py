"""Renders the Markdown of lessons: highlights code, and breaks lines within Chinese."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Markdown
from textual.widgets.markdown import MarkdownBlock, MarkdownFence

from models.user_files.parsing import parse

#: Punctuation that no line begins with, and that no line ends with.
_NOT_FIRST = "，。、；：？！）】》」』”’…"
_NOT_LAST = "（【《「『“‘"


def language_of(code: str) -> str:
    """The language of a block of code that names none: commands, Python or plain text."""
    lines = [line for line in code.splitlines() if line.strip()]
    if all(line.startswith(("tutorch ", "#")) for line in lines):
        return "bash"
    try:
        parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "text"  # a formula or a drawing
    return "python"


def parser() -> MarkdownIt:
    """Return a Markdown parser that joins lines of Chinese without a space."""
    markdown = MarkdownIt("gfm-like")
    markdown.core.ruler.push("join_chinese", _join_chinese)
    return markdown


def _join_chinese(state: StateCore) -> None:
    for token in state.tokens:
        children = token.children or []
        token.children = [
            child
            for place, child in enumerate(children)
            if child.type != "softbreak" or _needs_space(children, place)
        ]


def _needs_space(children: list[Token], place: int) -> bool:
    """Whether the line break at `place` becomes a space: not between two Chinese characters, nor
    beside Chinese punctuation.
    """
    before = "".join(child.content for child in children[:place])[-1:]
    after = "".join(child.content for child in children[place + 1 :])[:1]
    marks = _NOT_FIRST + _NOT_LAST
    return not (before in marks or after in marks or (_is_wide(before) and _is_wide(after)))


def wrapped(content: Content, width: int) -> Content:
    """Break `content` into lines of `width` cells. Chinese breaks between any two characters,
    except before closing and after opening punctuation.
    """
    if width < 2 or not any(map(_is_wide, content.plain)):
        return content
    lines = [
        part.rstrip()
        for line in content.split(allow_blank=True)
        for part in line.divide(_line_ends(line.plain, width))
    ]
    return Content("\n").join(lines)


def _line_ends(text: str, width: int) -> list[int]:
    """Where lines of at most `width` cells end in `text`."""
    ends: list[int] = []
    used = 0
    for start, end in pairwise([0, *_possible_breaks(text), len(text)]):
        piece = text[start:end]
        if used and used + cell_len(piece.rstrip()) > width:
            ends.append(start)
            used = 0
        used += cell_len(piece)
    return ends


def _possible_breaks(text: str) -> list[int]:
    return [
        place
        for place, (before, after) in enumerate(pairwise(text), 1)
        if after not in _NOT_FIRST
        and before not in _NOT_LAST
        and not after.isspace()
        and (before.isspace() or _is_wide(before) or _is_wide(after))
    ]


def _is_wide(character: str) -> bool:
    return bool(character) and unicodedata.east_asian_width(character) in "WF"


class LessonParagraph(MarkdownBlock):
    """Breaks Chinese where the line is full. Textual breaks at spaces only."""

    _width = 0

    def on_resize(self) -> None:
        """Break the lines again for another width."""
        if self.size.width != self._width:
            self._width = self.size.width
            self.update(wrapped(self._content, self._width))


class LessonCode(MarkdownFence):
    """Detects the language of code that names none."""

    @classmethod
    def highlight(cls, code: str, language: str, ansi: bool = False, dark: bool = False) -> Content:
        """Highlight as the named language, or else as the detected one."""
        return super().highlight(code, language or language_of(code), ansi=ansi, dark=dark)


class LessonText(Markdown):
    """The text of a lesson."""

    DEFAULT_CSS = """
    LessonText > LessonParagraph { margin: 0 0 1 0; }
    """

    BLOCKS = Markdown.BLOCKS | {
        "paragraph_open": LessonParagraph,
        "fence": LessonCode,
        "code_block": LessonCode,
    }

    def __init__(self) -> None:
        super().__init__(parser_factory=parser, open_links=False)
