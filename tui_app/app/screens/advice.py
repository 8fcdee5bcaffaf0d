"""The key that applies the advice for a run to the form, for screens that show a run."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from tui_app.app.screens.run_control import RunControlScreen
from tui_app.app.widgets.advice_line import advice_to_show, settings_text
from tui_app.monitoring.monitored_run import MonitoredRun
from tui_app.runs.events import Advised
from tui_app.runs.run_folder import RunFolder


class AdviceScreen(RunControlScreen):
    """A screen that shows a run, and can set the form as its advice says."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "apply_advice", "Apply advice"),
    ]

    @property
    def shown_run(self) -> MonitoredRun | None:
        """The run on the screen, whether it trains or not."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the key once there is advice that names settings."""
        if action == "apply_advice":
            return self._advice() is not None
        return super().check_action(action, parameters)

    def _advice(self) -> Advised | None:
        run = self.shown_run
        if run is None or run.folder is None:
            return None
        advice = advice_to_show(run.history.advice)
        return advice if advice is not None and advice.settings else None

    def action_apply_advice(self) -> None:
        """Fill the form with the run's settings, changed as the advice says."""
        advice, run = self._advice(), self.shown_run
        if advice is None or run is None or run.folder is None:
            return
        done = f"Set {settings_text(advice)}; press s to train."
        self.app.repeat_run(RunFolder(run.folder), advice.settings, done)
