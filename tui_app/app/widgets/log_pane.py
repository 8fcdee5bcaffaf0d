"""Shows the log of a run as plain text: wrapped to the width, searchable, copyable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from rich.cells import cell_len, chop_cells
from rich.highlighter import Highlighter
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input
from textual.widgets import Log as TextLog

from tui_app.monitoring.log import Log, LogLine

#: The newest lines that are shown; the log keeps more.
_SHOWN = 2_000

#: The last lines to search for a failure's traceback.
_LONGEST_TRACEBACK = 500

_SIGNS = {"event": " ", "warning": "!", "error": "✗", "output": "┆"}


class LogPane(Vertical):
    """Follows a log as it grows, and finds text in it."""

    DEFAULT_CSS = """
    LogPane {
        border: round $foreground 25%;
        border-title-color: $text-muted;
        &.-focused { border: round $border; border-title-color: $text; }
        & > Log {
            height: 1fr;
            background: $background;
            background-tint: 0%;
            overflow-x: hidden;
            scrollbar-size-vertical: 1;
        }
        & > Input { display: none; }
        &.-searching > Input { display: block; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search"),
        Binding("n", "next", "Next found", show=False),
        Binding("c", "copy", "Copy all", show=False),
        Binding("escape", "close_search", "End search", show=False),
    ]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.border_title = "Log"
        self._log_source: Log | None = None
        self._read = 0
        self._width = 0
        self._found = -1

    def compose(self) -> ComposeResult:
        """Create the lines, and the input for a search."""
        log = TextLog(highlight=True, max_lines=_SHOWN)
        log.highlighter = _LogHighlighter()
        yield log
        yield Input(placeholder="search the log", compact=True)

    def follow(self, log: Log) -> None:
        """Show this log."""
        self._log_source = log
        self.rewrite()

    def draw(self) -> None:
        """Add the new lines."""
        log, pane = self._log_source, self.query_one(TextLog)
        if log is None or log.count == self._read:
            return
        if not self._width:
            self._width = pane.scrollable_content_region.width
        if not self._width:
            return
        new = log.since(max(self._read, log.count - _SHOWN))
        is_at_end = pane.is_vertical_scroll_end
        pane.write_lines(self._wrapped(new), scroll_end=is_at_end)
        self._read = log.count
        below = _last_failure(log.lines[-_LONGEST_TRACEBACK:])
        if is_at_end and below:
            lines = len(self._wrapped(below))
            pane.scroll_to(y=pane.line_count - lines, animate=False, immediate=True)

    def rewrite(self) -> None:
        """Write all lines again."""
        pane = self.query_one(TextLog)
        pane.clear()
        self._read, self._width, self._found = 0, 0, -1
        pane.scroll_end(animate=False, immediate=True)
        self.draw()

    def on_resize(self) -> None:
        """Wrap the lines again if the width changed."""
        if self._width != self.query_one(TextLog).scrollable_content_region.width:
            self.rewrite()

    def action_search(self) -> None:
        """Show the input for a search."""
        self.add_class("-searching")
        self.query_one(Input).focus()

    def action_close_search(self) -> None:
        """End the search, and go back to the lines."""
        self.remove_class("-searching")
        self._highlighter.pattern = ""
        self.query_one(TextLog).focus()

    def action_next(self) -> None:
        """Go to the next match, upwards."""
        pane, pattern = self.query_one(TextLog), self._highlighter.pattern.casefold()
        if not pattern:
            return
        lines = [line.casefold() for line in pane.lines]
        start = self._found if self._found >= 0 else len(lines)
        places = [*range(start - 1, -1, -1), *range(len(lines) - 1, start - 1, -1)]
        self._found = next((place for place in places if pattern in lines[place]), -1)
        if self._found < 0:
            self.notify(f"Nothing in the log has {pattern!r}.", markup=False)
        else:
            pane.scroll_to(y=self._found - pane.size.height // 2, animate=False)

    def action_copy(self) -> None:
        """Copy the whole log to the clipboard."""
        if self._log_source is not None:
            text = "\n".join(f"{line.clock}  {line.text}" for line in self._log_source.lines)
            self.app.copy_to_clipboard(text)
            self.notify("Copied the log to the clipboard, if the terminal allows it.")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Mark the matches."""
        event.stop()
        self._highlighter.pattern = event.value
        self.query_one(TextLog).notify_style_update()
        self.query_one(TextLog).refresh()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the first match."""
        event.stop()
        self.query_one(TextLog).focus()
        self.action_next()

    @property
    def _highlighter(self) -> _LogHighlighter:
        highlighter = self.query_one(TextLog).highlighter
        assert isinstance(highlighter, _LogHighlighter)
        return highlighter

    def _wrapped(self, lines: Iterable[LogLine]) -> list[str]:
        return [part for line in lines for part in _wrap(line, self._width)]


class _LogHighlighter(Highlighter):
    """Colours warnings and errors, dims the time, marks the matches of a search."""

    pattern = ""

    def highlight(self, text: Text) -> None:
        """Style one line."""
        sign = text.plain[9:10]
        text.stylize("dim", 0, 9)
        style = {"!": "yellow", "✗": "red", "┆": "dim"}.get(sign)
        if style:
            text.stylize(style, 9)
        if self.pattern:
            text.highlight_regex(re.compile(re.escape(self.pattern), re.IGNORECASE), "reverse")


def _last_failure(lines: Sequence[LogLine]) -> Sequence[LogLine]:
    """The failure and its traceback at the end of the lines, if they end in one."""
    number = len(lines)
    while number and lines[number - 1].kind == "output":
        number -= 1
    below = number
    while number and lines[number - 1].kind == "error":
        number -= 1
    return lines[number:] if number < below else []


def _wrap(line: LogLine, width: int) -> Iterator[str]:
    """Wrap a line to `width` cells; all pieces but the first are indented."""
    head = f"{line.clock:<8} {_SIGNS[line.kind]} "
    room = max(10, width - cell_len(head))
    for number, piece in enumerate(_pieces(line.text, room) or [""]):
        yield (head if number == 0 else f"{'':<8} {_SIGNS[line.kind]} ") + piece


def _pieces(text: str, room: int) -> list[str]:
    """Break `text`, between words if possible."""
    pieces, current = [], ""
    for word in re.findall(r"\s*\S+", text):
        if cell_len(current) + cell_len(word) <= room:
            current += word
            continue
        if current:
            pieces.append(current)
        *full, current = chop_cells(word.lstrip() if pieces else word, room) or [""]
        pieces += full
    return [*pieces, current] if current else pieces
