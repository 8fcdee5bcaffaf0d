"""The keys that control a run: pause, step, change the learning rate, save and stop."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui_app.app.app_interface import AppInterface
from tui_app.app.dialogs.text_question import TextQuestion
from tui_app.monitoring.monitored_run import MonitoredRun


class RunControlScreen(Screen[None]):
    """A screen from which a run can be paused, saved, changed and stopped while it trains."""

    app: AppInterface

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,f6", "pause", "Pause"),
        Binding("space,f6", "go_on", "Continue"),
        Binding("full_stop", "one_step", "Step", key_display="."),
        Binding("e", "one_epoch", "Epoch"),
        Binding("l,f7", "change_lr", "lr"),
        Binding("w,ctrl+s", "save", "Save"),
        Binding("x,f8", "stop", "Stop"),
    ]

    @property
    def controlled_run(self) -> MonitoredRun | None:
        """The run that trains or is being prepared, and can be controlled: one of this program,
        unless a screen overrides it.
        """
        queue = self.app.queue
        return queue.current if queue is not None and queue.is_alive else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show only the keys that have an effect now."""
        actions = ("pause", "go_on", "one_step", "one_epoch", "change_lr", "save", "stop")
        if action not in actions:
            return True
        run = self.controlled_run
        if run is None:
            return False
        if run.history.info is None:  # it is being prepared, and can only be cancelled
            return action == "stop"
        if action == "change_lr" and not run.history.info.lr:  # an exhaustive search has none
            return False
        is_paused = run.history.state == "paused"
        if action in ("go_on", "one_step", "one_epoch"):
            return is_paused
        return not is_paused if action == "pause" else True

    def action_pause(self) -> None:
        """Pause after the present step."""
        self._send("pause")

    def action_go_on(self) -> None:
        """End the pause."""
        self._send("unpause")

    def action_one_step(self) -> None:
        """Train one step, then pause again."""
        self._send("run_steps", 1)

    def action_one_epoch(self) -> None:
        """Train to the end of the epoch, then pause again."""
        self._send("run_epoch")

    def action_save(self) -> None:
        """Save last.pt now."""
        self._send("save")
        self.notify("Saving after the present step.")

    def action_stop(self) -> None:
        """Save and stop."""
        if self.app.queue is not None:
            self.app.queue.stop("stopped by you")
            self.app.update_soon()

    def action_change_lr(self) -> None:
        """Ask for another learning rate, and continue with it."""
        run = self.controlled_run
        if run is None:
            return
        now = f"{run.history.lr:g}"
        question = "Learning rate from the next step on"
        self.app.push_screen(TextQuestion(question, now, check=_lr_problem), self._change_lr)

    def _change_lr(self, text: str | None) -> None:
        if text is not None:
            self._send("set_lr", float(text))

    def _send(self, command: str, *arguments: float) -> None:
        if self.controlled_run is not None and self.controlled_run.control is not None:
            getattr(self.controlled_run.control, command)(*arguments)
            self.app.update_soon()


def _lr_problem(text: str) -> str:
    try:
        lr = float(text)
    except ValueError:
        return "A learning rate is a number above 0."
    return "" if 0 < lr < float("inf") else "A learning rate is a number above 0."
