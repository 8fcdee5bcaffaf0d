"""Fills the form with the settings of an earlier run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from models.user_files.trust import UntrustedSource
from tui_app.app.dialogs.trust_question import ask_trust
from tui_app.app.loading.run_settings_loading import load_run_settings
from tui_app.app.messages import LectureStuck, RunSettingsFailed, RunSettingsRead
from tui_app.app.screens.main_screen.lecture_choice import LectureChoiceScreen
from tui_app.monitoring.lecture_thread import LectureThread
from tui_app.runs.run_folder import RunFolder


class RepeatRunScreen(LectureChoiceScreen):
    """Reads a run's settings in a thread: importing its lecture may never return."""

    def __init__(self, lecture: Path | None, given: Mapping[str, Any]) -> None:
        super().__init__(lecture, given)
        self._reading: LectureThread | None = None

    def repeat(
        self, folder: RunFolder, changes: Mapping[str, Any] | None = None, done: str = ""
    ) -> None:
        """Fill the form with the run's settings and these changes, then notify with `done`."""

        def work() -> None:
            self.post_message(load_run_settings(folder, changes or {}, done))

        if self._reading is not None:
            self._reading.stop()
        self._reading = LectureThread(work, lambda text: self._report_stuck(folder, text))
        self._reading.start()

    def _report_stuck(self, folder: RunFolder, text: str) -> None:
        self.post_message(LectureStuck(f"{folder.name}: {text}"))

    async def on_run_settings_read(self, message: RunSettingsRead) -> None:
        """Fill the form with the settings, and show it."""
        self.app.show_main()
        await self.fill_form(message.path, message.settings)
        if message.done:
            self.notify(message.done, markup=False)

    def on_run_settings_failed(self, message: RunSettingsFailed) -> None:
        """Ask whether the run's code is trusted, or notify of the problem with the run."""
        error = message.problem
        if isinstance(error, UntrustedSource):
            again = partial(self.repeat, message.folder, message.changes, message.done)
            ask_trust(self.app, error, again)
        else:
            self.app.notify(str(error), severity="error", markup=False)
