"""Asks, before the app is closed, what happens to the run that trains."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from tui_app.app.dialogs.choice_question import ChoiceQuestion
from tui_app.monitoring.run_queue import RunQueue


class LeaveQuestion(ChoiceQuestion):
    """Keep the run training (`k`), stop it (`s`), or stay in the app (`b`).

    A run of this process without a folder can't be kept: there is nothing that another process
    could resume. A run in a process of its own goes on in it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "stop_and_leave", "Stop, save, and leave", show=False)
    ]

    def __init__(self, queue: RunQueue) -> None:
        run = queue.current
        waiting = f" {queue.waiting} more wait in the queue." if queue.waiting else ""
        rest = " (the queue ends here)" if queue.waiting else ""
        stay = ("b", "Stay here")
        keep = ("k", f"Leave, and keep training in the background{rest}")
        if run.folder is None:
            kept = [keep] if run.loop_control is None else []
            super().__init__(
                f"{run.name} hasn't begun to train: its data and model are still being "
                f"prepared.{waiting}",
                [*kept, ("s", "Cancel it, and leave"), stay],
            )
        else:
            super().__init__(
                f"{run.name} is training.{waiting}",
                [
                    keep,
                    ("s", "Stop, save, and leave (Ctrl-C again does it too)"),
                    stay,
                ],
            )

    def action_stop_and_leave(self) -> None:
        """Stop, save and quit, at a second Ctrl-C."""
        self.dismiss("s")
