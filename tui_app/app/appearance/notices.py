"""Notices of the app: one line, one at a time, for seconds; errors stay in the log."""

from __future__ import annotations

from rich.text import Text
from textual.app import App
from textual.notifications import SeverityLevel

from tui_app.monitoring.log import Log
from tui_app.text.cells import cut

#: Seconds that a notice is shown.
_SECONDS: dict[SeverityLevel, float] = {"information": 4.0, "warning": 5.0, "error": 7.0}

#: The cells around a notice, and the lines of the log among which an error is looked for.
_AROUND, _RECENT = 3, 30

_IN_THE_LOG = " (all of it: log)"


class NoticesApp(App[int]):
    """Shows each notice on the last line above the footer, until the next one, or until another
    screen or pane is opened.
    """

    async def on_mount(self) -> None:
        """A notice is about the screen that it is shown on."""
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
        """Show a notice in the place of any other. What of an error isn't in the log is added."""
        first, *others = message.strip().splitlines() or [""]
        is_whole = not others and len(first) <= self.size.width - _AROUND
        if severity == "error":
            self._keep(message)
        more = _IN_THE_LOG if severity == "error" and not is_whole else ""
        room = self.size.width - _AROUND - len(more)
        text = cut(Text(first if is_whole else f"{first} …"), room).plain + more
        seconds = min(timeout or _SECONDS[severity], _SECONDS[severity])
        self.call_later(self.clear_notifications)  # after a notice that is on its way already
        super().notify(text, title=title, severity=severity, timeout=seconds, markup=False)

    def _keep(self, message: str) -> None:
        log = self.current_log
        known = {line.text for line in log.lines[-_RECENT:]}
        if message.splitlines()[:1] and message.splitlines()[0] not in known:
            log.add(message, "error")
