"""The log of a run: wrapped to its width, searchable, copyable; nothing in it is markup."""

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

#: Lines shown; the log keeps more.
_SHOWN = 2_000

#: Lines at most that a failure's traceback is looked for in.
_LONGEST_TRACEBACK = 500

_SIGNS = {"event": " ", "warning": "!", "error": "✗", "output": "┆"}


class LogPane(Vertical):
    """Shows a log as it grows; `/` searches, `n` goes to the next line that has it."""

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
        """The lines, and the input for a search."""
        log = TextLog(highlight=True, max_lines=_SHOWN)
        log.highlighter = _Emphasis()
        yield log
        yield Input(placeholder="search the log", compact=True)

    def follow(self, log: Log) -> None:
        """Show this log from now on."""
        self._log_source = log
        self.rewrite()

    def draw(self) -> None:
        """Add what is new."""
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
        below = _from_the_failure_on(log.lines[-_LONGEST_TRACEBACK:])
        if is_at_end and below:
            lines = len(self._wrapped(below))
            pane.scroll_to(y=pane.line_count - lines, animate=False, immediate=True)

    def rewrite(self) -> None:
        """Write all of it anew."""
        pane = self.query_one(TextLog)
        pane.clear()
        self._read, self._width, self._found = 0, 0, -1
        pane.scroll_end(animate=False, immediate=True)
        self.draw()

    def on_resize(self) -> None:
        """Wrap anew when the width is another."""
        if self._width != self.query_one(TextLog).scrollable_content_region.width:
            self.rewrite()

    def action_search(self) -> None:
        """Type what is to be found."""
        self.add_class("-searching")
        self.query_one(Input).focus()

    def action_close_search(self) -> None:
        """Back to the lines."""
        self.remove_class("-searching")
        self._emphasis.sought = ""
        self.query_one(TextLog).focus()

    def action_next(self) -> None:
        """Go to the next line, upwards, that has what is sought."""
        pane, sought = self.query_one(TextLog), self._emphasis.sought.casefold()
        if not sought:
            return
        lines = [line.casefold() for line in pane.lines]
        start = self._found if self._found >= 0 else len(lines)
        places = [*range(start - 1, -1, -1), *range(len(lines) - 1, start - 1, -1)]
        self._found = next((place for place in places if sought in lines[place]), -1)
        if self._found < 0:
            self.notify(f"Nothing in the log has {sought!r}.", markup=False)
        else:
            pane.scroll_to(y=self._found - pane.size.height // 2, animate=False)

    def action_copy(self) -> None:
        """Put the whole log on the clipboard."""
        if self._log_source is not None:
            text = "\n".join(f"{line.clock}  {line.text}" for line in self._log_source.lines)
            self.app.copy_to_clipboard(text)
            self.notify("The log is on the clipboard, where the terminal allows it.")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Mark what is sought."""
        event.stop()
        self._emphasis.sought = event.value
        self.query_one(TextLog).notify_style_update()
        self.query_one(TextLog).refresh()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Find it."""
        event.stop()
        self.query_one(TextLog).focus()
        self.action_next()

    @property
    def _emphasis(self) -> _Emphasis:
        emphasis = self.query_one(TextLog).highlighter
        assert isinstance(emphasis, _Emphasis)
        return emphasis

    def _wrapped(self, lines: Iterable[LogLine]) -> list[str]:
        return [part for line in lines for part in _wrap(line, self._width)]


class _Emphasis(Highlighter):
    """Colours warnings and errors, dims the time, marks what is sought."""

    sought = ""

    def highlight(self, text: Text) -> None:
        """Style one line."""
        sign = text.plain[9:10]
        text.stylize("dim", 0, 9)
        style = {"!": "yellow", "✗": "red", "┆": "dim"}.get(sign)
        if style:
            text.stylize(style, 9)
        if self.sought:
            text.highlight_regex(re.compile(re.escape(self.sought), re.IGNORECASE), "reverse")


def _from_the_failure_on(lines: Sequence[LogLine]) -> Sequence[LogLine]:
    """The last failure among the lines and the traceback below it, if nothing came after that."""
    number = len(lines)
    while number and lines[number - 1].kind == "output":
        number -= 1
    below = number
    while number and lines[number - 1].kind == "error":
        number -= 1
    return lines[number:] if number < below else []


def _wrap(line: LogLine, width: int) -> Iterator[str]:
    """The line in pieces of `width` cells; those after the first are indented."""
    head = f"{line.clock:<8} {_SIGNS[line.kind]} "
    room = max(10, width - cell_len(head))
    for number, piece in enumerate(_pieces(line.text, room) or [""]):
        yield (head if number == 0 else f"{'':<8} {_SIGNS[line.kind]} ") + piece


def _pieces(text: str, room: int) -> list[str]:
    """`text` broken between words where it can be."""
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
