"""Collects the lines that the app's log shows of a run."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Literal

from tui_app.runs.event_text import describe_event
from tui_app.runs.events import Advised, Event, RunCompleted, Warned
from tui_app.text.escaping import printable

Kind = Literal["event", "warning", "error", "output"]

#: Lines kept; beyond them, the oldest are dropped.
_LARGEST = 20_000

#: `2026-01-31 12:34:56  what happened`, as tutorch writes log.txt.
_RECORDED = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)  (.*)")


@dataclass(frozen=True)
class LogLine:
    """A printable line of the log. `clock` is its time of day, or empty."""

    clock: str
    text: str
    kind: Kind = "event"


class Log:
    """Holds the lines of a run, the newest last. `dropped` counts those no longer kept.

    A line with the date precedes the lines of a new day.
    """

    def __init__(self) -> None:
        self.lines: list[LogLine] = []
        self.dropped = 0
        self._day = _today()

    @property
    def count(self) -> int:
        """The number of lines so far, dropped ones included."""
        return self.dropped + len(self.lines)

    def since(self, count: int) -> list[LogLine]:
        """Return the lines after the first `count`."""
        return self.lines[max(0, count - self.dropped) :]

    def add(self, text: str, kind: Kind = "event", clock: str | None = None) -> None:
        """Add each line of a text, with the time of now."""
        clock = time.strftime("%H:%M:%S") if clock is None else clock
        self._append(text.splitlines(), kind, clock, _today())

    def add_recorded(self, line: str) -> None:
        """Add a line of log.txt, with the time that it has."""
        match = _RECORDED.match(line)
        if match is None:  # written by a library, or a line of a traceback
            self._append([line.expandtabs(4)], "output", "", self._day)
            return
        day, clock, text = match.groups()
        is_note, is_failure = text.startswith(("note: ", "advice: ")), text.startswith("failed: ")
        kind = "warning" if is_note else "error" if is_failure else "event"
        self._append([text], kind, clock, day)

    def _append(self, lines: list[str], kind: Kind, clock: str, day: str) -> None:
        if day != self._day:
            self._day = day
            self.lines.append(LogLine("", day))
        self.lines += [LogLine(clock, printable(line), kind) for line in lines]
        if len(self.lines) > _LARGEST:
            excess = len(self.lines) - _LARGEST // 2
            del self.lines[:excess]
            self.dropped += excess

    def add_event(self, event: Event) -> None:
        """Add the line of an event, if it has one."""
        text = describe_event(event)
        if text is None:
            return
        failed = isinstance(event, RunCompleted) and event.state == "failed"
        warns = isinstance(event, Warned | Advised)
        self.add(text, "error" if failed else "warning" if warns else "event")


def _today() -> str:
    return time.strftime("%Y-%m-%d")
