"""The question before one leaves something that trains."""

from __future__ import annotations

from tui_app.following.queue import RunQueue
from tui_app.screens.choose import Choose


def how_to_leave(queue: RunQueue) -> Choose:
    """Whether to keep it training (`k`), to stop it (`s`), or to stay."""
    waiting = f" {queue.waiting} more wait in the queue." if queue.waiting else ""
    rest = " (the queue ends here)" if queue.waiting else ""
    return Choose(
        f"{queue.current.name} is training.{waiting}",
        [
            ("k", f"Leave, and keep training in a process of its own{rest}"),
            ("s", "Stop, save, and leave"),
            ("b", "Stay here"),
        ],
    )
