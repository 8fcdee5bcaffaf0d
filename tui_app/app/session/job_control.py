"""Suspends the app as a shell's job, and brings its screen back.

A suspended program doesn't train. One that is continued in the background (`bg`) trains without a
screen, until it is in the foreground again (`fg`).
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
    """Hears, in the thread of the event loop, that the app is to be suspended or was continued."""

    def __init__(self, app: AppInterface) -> None:
        self._app = app
        self.is_wanted = False  # set by the thread of the signals, which may hear more meanwhile
        self._is_suspending = False
        self._is_watching = False

    @property
    def _driver(self) -> TerminalDriver | None:
        driver = self._app._driver
        return driver if isinstance(driver, TerminalDriver) else None

    @property
    def has_terminal(self) -> bool:
        """Whether the app may use the terminal: one that a shell has would stop it."""
        return self._driver is None or not self._driver.is_away

    def suspend(self) -> None:
        """Give the terminal back and wait to be continued."""
        driver = self._driver
        if driver is None:  # the app begins
            suspend_process()
            return
        if not driver.is_away:
            driver.release_terminal()
            is_training = self._app.queue is not None and self._app.queue.is_alive
            write_without_blocking(
                driver.terminal, _TRAINING_SUSPENDED if is_training else _SUSPENDED
            )
        if self.is_wanted:
            self._is_suspending = True
            suspend_process()
        self.come_back()

    def continued(self) -> None:
        """Draw the screen anew after a suspension that the app has not prepared, as SIGSTOP is."""
        driver = self._driver
        if self._is_suspending:  # it knows, and has come back already
            self._is_suspending = False
        elif driver is not None and not driver.is_away and self._app.is_running:
            if driver.is_in_foreground():
                driver.release_terminal()
            else:
                driver.abandon_terminal()
            self.come_back()

    def come_back(self) -> None:
        """Draw on the terminal again, as soon as the app is in the foreground."""
        driver = self._driver
        self._is_watching = False
        if driver is None or not driver.is_away or not self._app.is_running:
            return
        driver.start_application_mode()
        if not driver.is_away:
            self._app.refresh(layout=True)

    def watch(self) -> None:
        """Come back later: the terminal isn't the app's now."""
        if not self._is_watching:
            self._is_watching = True
            asyncio.get_running_loop().call_later(_CHECKS, self.come_back)
