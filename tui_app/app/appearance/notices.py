"""Shows notices: one line, one at a time, for seconds; errors are logged too."""

from __future__ import annotations

from rich.text import Text
from textual.app import App
from textual.notifications import SeverityLevel

from tui_app.monitoring.log import Log
from tui_app.text.cells import cut

#: Seconds that a notice is shown.
_SECONDS: dict[SeverityLevel, float] = {"information": 4.0, "warning": 5.0, "error": 7.0}

#: The cells around a notice, and the last lines of the log that are searched for an error.
_AROUND, _RECENT = 3, 30

_IN_THE_LOG = " (all of it: log)"


class NoticesApp(App[int]):
    """Shows a notice above the footer until the next notice, screen or pane."""

    async def on_mount(self) -> None:
        """Remove the notice when the screen changes, since it is about the screen it is on."""
        self.screen_change_signal.subscribe(self, lambda screen: self.clear_notifications())

    @property
    def current_log(self) -> Log:
        """The log that is shown."""
        raise NotImplementedError

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a notice in the place of any other. Log an error that isn't in the log yet."""
        first, *others = message.strip().splitlines() or [""]
        is_whole = not others and len(first) <= self.size.width - _AROUND
        if severity == "error":
            self._keep(message)
        more = _IN_THE_LOG if severity == "error" and not is_whole else ""
        room = self.size.width - _AROUND - len(more)
        text = cut(Text(first if is_whole else f"{first} …"), room).plain + more
        seconds = min(timeout or _SECONDS[severity], _SECONDS[severity])
        self.call_later(self.clear_notifications)  # an earlier notice may be queued already
        super().notify(text, title=title, severity=severity, timeout=seconds, markup=False)

    def _keep(self, message: str) -> None:
        log = self.current_log
        known = {line.text for line in log.lines[-_RECENT:]}
        if message.splitlines()[:1] and message.splitlines()[0] not in known:
            log.add(message, "error")
