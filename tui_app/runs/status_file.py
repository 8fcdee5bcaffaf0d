"""Writes status.json: the state of a run, for other programs that read its folder."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from tui_app.runs.events import (
    BestImproved,
    EpochCompleted,
    RunCompleted,
    RunStarted,
    StateChanged,
    StepsCompleted,
    ThreadsChanged,
    finite,
)
from tui_app.runs.files.durable_files import write_json
from tui_app.runs.metrics.metrics_codec import Record
from tui_app.runs.metrics.packed_epochs import PackedEpochs
from tui_app.runs.process_identity import this_process

#: Seconds between two heartbeats, and seconds without one after which a run counts as crashed.
HEARTBEAT = 2.0
SILENCE = 30.0


class StatusFile:
    """Keeps status.json up to date; a listener that takes packed epochs whole.

    A thread writes it at every heartbeat, also during a long step or evaluation. `fields` are
    written as they are.
    """

    def __init__(self, path: Path, **fields: Any) -> None:
        self._path = path
        self._fields = fields
        self._values: dict[str, Any] = {}
        self._problem: OSError | None = None
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __call__(self, event: Record) -> None:
        """Update the status by the event. Raises OSError if it can't be written."""
        with self._lock:
            self._update(event)
            if isinstance(event, RunStarted | StateChanged | RunCompleted):
                self._write(durable=isinstance(event, RunCompleted))
            problem, self._problem = self._problem, None
        if problem is not None:
            raise problem
        if isinstance(event, RunStarted):
            self._thread.start()

    def close(self) -> None:
        """Stop the heartbeat."""
        self._closed.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _beat(self) -> None:
        while not self._closed.wait(HEARTBEAT):
            with self._lock:
                try:
                    self._write(durable=False)
                except OSError as error:
                    self._problem = error

    def _update(self, event: Record) -> None:
        values = self._values
        match event:
            case PackedEpochs():
                values |= {"step": event.last_step, "epoch": event.last_epoch}
                if (best := event.last_best) is not None:
                    values |= {"best_value": best.value, "best_epoch": best.epoch}
            case RunStarted():
                values |= {"state": "running", **this_process(), **self._fields}
                values |= {"exit_code": None, "reason": None}
                values |= {"epoch": event.epoch, "step": event.step, "epochs": event.epochs}
                values["metric"] = event.metric
                values["threads"] = event.threads
                values["total_steps"] = event.epochs * event.steps_per_epoch
            case StepsCompleted():
                values["step"] = event.first_step + len(event.losses) - 1
            case EpochCompleted():
                values["epoch"] = event.epoch
            case BestImproved():
                values |= {"best_value": event.value, "best_epoch": event.epoch}
            case ThreadsChanged():
                values["threads"] = event.threads
            case StateChanged():
                values["state"] = event.state
            case RunCompleted():
                values |= {
                    "state": event.state,
                    "exit_code": event.exit_code,
                    "reason": event.reason,
                }
                values |= {"best_value": event.best_value, "best_epoch": event.best_epoch}
                values |= {
                    "epoch": event.epoch,
                    "step": event.step,
                    "results": finite(event.values),
                }

    def _write(self, *, durable: bool) -> None:
        write_json(self._path, {**self._values, "heartbeat": time.time()}, durable=durable)
