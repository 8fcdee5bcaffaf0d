"""status.json: how a run stands, for whoever looks at its folder from outside."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tui_app.training.events import (
    BestImproved,
    EpochCompleted,
    Event,
    RunCompleted,
    RunStarted,
    StateChanged,
    StepsCompleted,
)
from tui_app.training.files import write_json
from tui_app.training.run_folder import this_program

#: Seconds between two heartbeats, and after how many a run that sent none has died.
HEARTBEAT = 2.0
SILENCE = 30.0


class StatusFile:
    """Keeps status.json up to date; a listener."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, Any] = {}
        self._written = 0.0

    def __call__(self, event: Event) -> None:
        """Take the event over into the status."""
        values = self._values
        match event:
            case RunStarted():
                values |= {"state": "running", **this_program(), "exit_code": None, "reason": None}
                values |= {"epoch": event.epoch, "step": event.step, "epochs": event.epochs}
                values |= {"metric": event.metric, "best_value": None, "best_epoch": None}
                values["total_steps"] = event.epochs * event.steps_per_epoch
            case StepsCompleted():
                values["step"] = event.first_step + len(event.losses) - 1
            case EpochCompleted():
                values["epoch"] = event.epoch
            case BestImproved():
                values |= {"best_value": event.value, "best_epoch": event.epoch}
            case StateChanged():
                values["state"] = event.state
            case RunCompleted():
                values |= {
                    "state": event.state,
                    "exit_code": event.exit_code,
                    "reason": event.reason,
                }
                values |= {"best_value": event.best_value, "best_epoch": event.best_epoch}
                values |= {"epoch": event.epoch, "step": event.step, "results": dict(event.values)}
        at_once = isinstance(event, RunStarted | StateChanged | RunCompleted)
        if at_once or time.monotonic() - self._written >= HEARTBEAT:
            self._write(durable=isinstance(event, RunCompleted))

    def _write(self, *, durable: bool) -> None:
        self._written = time.monotonic()
        write_json(self._path, {**self._values, "heartbeat": time.time()}, durable=durable)
