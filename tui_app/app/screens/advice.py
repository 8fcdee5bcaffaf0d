"""Screens that show the advice for a run, and the key that applies it to the form."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from tui_app.app.screens.run_control import RunControlScreen
from tui_app.app.widgets.advice_line import advice_to_show, settings_text
from tui_app.monitoring.monitored_run import MonitoredRun
from tui_app.runs.events import Advised
from tui_app.runs.run_folder import RunFolder


class AdviceScreen(RunControlScreen):
    """Shows a run, and sets the form as the advice for that run says."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "apply_advice", "Apply advice"),
    ]

    @property
    def watched(self) -> MonitoredRun | None:
        """The run that is shown, whether it trains or not."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Advice can be applied once there is some that names settings."""
        if action == "apply_advice":
            return self._advice() is not None
        return super().check_action(action, parameters)

    def _advice(self) -> Advised | None:
        run = self.watched
        if run is None or run.folder is None:
            return None
        advice = advice_to_show(run.history.advice)
        return advice if advice is not None and advice.settings else None

    def action_apply_advice(self) -> None:
        """Fill the form with the run's settings, and those that are advised in their place."""
        advice, run = self._advice(), self.watched
        if advice is None or run is None or run.folder is None:
            return
        done = f"Set {settings_text(advice)}; press s to train."
        self.app.repeat_run(RunFolder(run.folder), advice.settings, done)
