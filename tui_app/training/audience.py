"""Everyone who hears of a run: its own files first, then whoever follows it."""

from __future__ import annotations

from collections.abc import Sequence

from tui_app.training.events import Event, Listener, Warned
from tui_app.training.files import CutShort


class Audience:
    """Everyone who hears of a run. A disk that takes no more doesn't end it: that is told once."""

    def __init__(self, files: Sequence[Listener], others: Sequence[Listener]) -> None:
        self._files = files
        self._others = others
        self._failing: set[int] = set()

    def tell(self, event: Event) -> None:
        """Let everyone hear the event."""
        for number, listener in enumerate(self._files):
            try:
                listener(event)
            except CutShort as error:
                self._tell_others(note_beside(event, str(error)))
            except OSError as error:
                if number not in self._failing:
                    self._failing.add(number)
                    text = _UNWRITTEN.format(error.strerror or error)
                    self._tell_others(note_beside(event, text))
        self._tell_others(event)

    def _tell_others(self, event: Event) -> None:
        for listener in self._others:
            listener(event)


_UNWRITTEN = (
    "the run folder takes nothing more ({}). Training goes on, and what is recorded is kept in "
    "memory until there is room"
)


def note_beside(beside: Event, text: str) -> Warned:
    """A warning at the epoch and step of the event `beside`, as far as it has such."""
    epoch, step = getattr(beside, "epoch", 0), getattr(beside, "step", 0)
    return Warned(run=beside.run, epoch=epoch, step=step, text=text)
