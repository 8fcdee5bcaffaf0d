"""Shows the load of the GPU or GPUs, or else of processor and memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tui_app.app.widgets.text_line import TextLine
from tui_app.monitoring.system_stats import read_rank_stats, read_system_stats
from tui_app.runs.rank_devices import RankDevice

#: Seconds between two readings.
_SECONDS = 2.0


class MachineLine(TextLine):
    """Read in a thread, since a driver may be slow."""

    DEFAULT_CSS = """
    MachineLine { color: $text-muted; }
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._device = "cpu"
        self._ranks: Sequence[RankDevice] = ()

    def watch_device(self, device: str, ranks: Sequence[RankDevice] = ()) -> None:
        """Show the readings of this device, or of those of the ranks."""
        has_changed = ranks != self._ranks
        self._device, self._ranks = device, ranks
        if has_changed:
            self._read()

    def on_mount(self) -> None:
        """Read regularly."""
        self.set_interval(_SECONDS, self._read)
        self.call_after_refresh(self._read)

    def _read(self) -> None:
        if self.is_attached and self.screen.is_current:
            self.run_worker(self._show, thread=True, exclusive=True, group="machine")

    def _show(self) -> None:
        ranks = self._ranks
        line = read_rank_stats(ranks) if ranks else read_system_stats(self._device)
        self.call_later(self.show, line)
