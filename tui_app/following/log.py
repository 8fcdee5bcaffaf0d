"""What a person reads of a run while it trains, line by line."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from tui_app.training.events import Advised, Event, RunCompleted, Warned
from tui_app.training.narrate import narrate, printable

Kind = Literal["event", "warning", "error", "output"]

#: Lines kept; of more, the oldest go.
_LARGEST = 20_000


@dataclass(frozen=True)
class LogLine:
    """A line of the log. `clock` is the time of day it is from, or empty; `text` is printable."""

    clock: str
    text: str
    kind: Kind = "event"


class Log:
    """The lines of a run, the newest last. `dropped` counts those that are no longer kept."""

    def __init__(self) -> None:
        self.lines: list[LogLine] = []
        self.dropped = 0

    @property
    def count(self) -> int:
        """How many lines there ever were."""
        return self.dropped + len(self.lines)

    def since(self, count: int) -> list[LogLine]:
        """The lines that came after the first `count`."""
        return self.lines[max(0, count - self.dropped) :]

    def add(self, text: str, kind: Kind = "event", clock: str | None = None) -> None:
        """Add a text, each of its lines by itself."""
        clock = time.strftime("%H:%M:%S") if clock is None else clock
        self.lines += [LogLine(clock, printable(line), kind) for line in text.splitlines()]
        if len(self.lines) > _LARGEST:
            excess = len(self.lines) - _LARGEST // 2
            del self.lines[:excess]
            self.dropped += excess

    def tell(self, event: Event) -> None:
        """Add what a person would want to read of an event."""
        text = narrate(event)
        if text is None:
            return
        failed = isinstance(event, RunCompleted) and event.state == "failed"
        warns = isinstance(event, Warned | Advised)
        self.add(text, "error" if failed else "warning" if warns else "event")
