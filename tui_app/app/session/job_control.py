"""Suspends the app as a job of the shell, and draws its screen again afterwards.

A suspended program doesn't train. Continued in the background (`bg`), it trains without a screen
until it is in the foreground again (`fg`).
"""

from __future__ import annotations

import asyncio

from tui_app.app.app_interface import AppInterface
from tui_app.terminal.driver import TerminalDriver
from tui_app.terminal.printing import write_without_blocking
from tui_app.terminal.signals import suspend_process

#: Seconds between two checks, in the background, whether the terminal is the app's again.
_CHECKS = 0.3

_SUSPENDED = "tutorch is suspended: `fg` brings it back.\n"
_TRAINING_SUSPENDED = (
    "tutorch is suspended, and so is its training: `fg` brings both back, `bg` lets it train "
    "without its screen.\n"
)


class JobControl:
    """Suspends and continues the app, in the thread of the event loop."""

    def __init__(self, app: AppInterface) -> None:
        self._app = app
        self.is_requested = False  # set by the signal thread, at any moment
        self._is_suspending = False
        self._is_watching = False

    @property
    def _driver(self) -> TerminalDriver | None:
        driver = self._app._driver
        return driver if isinstance(driver, TerminalDriver) else None

    @property
    def has_terminal(self) -> bool:
        """Whether the app may use the terminal; writing to a shell's would stop the process."""
        return self._driver is None or not self._driver.is_away

    def suspend(self) -> None:
        """Restore the terminal, suspend the process, and draw again once it is continued."""
        driver = self._driver
        if driver is None:  # the app is starting
            suspend_process()
            return
        if not driver.is_away:
            driver.release_terminal()
            is_training = self._app.queue is not None and self._app.queue.is_alive
            write_without_blocking(
                driver.terminal, _TRAINING_SUSPENDED if is_training else _SUSPENDED
            )
        if self.is_requested:
            self._is_suspending = True
            suspend_process()
        self.come_back()

    def on_continued(self) -> None:
        """Draw the screen again after a suspension without `suspend`, such as SIGSTOP."""
        driver = self._driver
        if self._is_suspending:  # `suspend` draws it
            self._is_suspending = False
        elif driver is not None and not driver.is_away and self._app.is_running:
            if driver.is_in_foreground():
                driver.release_terminal()
            else:
                driver.abandon_terminal()
            self.come_back()

    def come_back(self) -> None:
        """Draw on the terminal again if the app is in the foreground; else try again later."""
        driver = self._driver
        self._is_watching = False
        if driver is None or not driver.is_away or not self._app.is_running:
            return
        driver.start_application_mode()
        if not driver.is_away:
            self._app.refresh(layout=True)

    def watch(self) -> None:
        """Try to draw again later: the app is in the background."""
        if not self._is_watching:
            self._is_watching = True
            asyncio.get_running_loop().call_later(_CHECKS, self.come_back)
