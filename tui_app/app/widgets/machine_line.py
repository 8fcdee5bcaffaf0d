"""Shows the load of the GPU, or else of processor and memory."""

from __future__ import annotations

from typing import Any

from tui_app.app.widgets.text_line import TextLine
from tui_app.monitoring.system_stats import read_system_stats

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

    def watch_device(self, device: str) -> None:
        """Show the readings of this device."""
        self._device = device

    def on_mount(self) -> None:
        """Read regularly."""
        self.set_interval(_SECONDS, self._read)
        self.call_after_refresh(self._read)

    def _read(self) -> None:
        if self.is_attached and self.screen.is_current:
            self.run_worker(self._show, thread=True, exclusive=True, group="machine")

    def _show(self) -> None:
        self.call_later(self.show, read_system_stats(self._device))
