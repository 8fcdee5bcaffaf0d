"""Trains a run in a thread of this program and buffers its events for the screens."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.reading.progress import LoadingStopped, Progress
from tui_app.monitoring.failures import Failure, failure_of
from tui_app.monitoring.history import History
from tui_app.monitoring.random_numbers import RandomNumberHold, stop_probes
from tui_app.monitoring.run_info import RunInfo
from tui_app.runs.event_text import loading_detail
from tui_app.runs.events import Event, RunCompleted
from tui_app.runs.files.run_files import open_file
from tui_app.runs.metrics.metrics_codec import Record
from tui_app.runs.metrics.metrics_file import read_records
from tui_app.runs.metrics.packed_epochs import PackedEpochs
from tui_app.text.escaping import printable
from tui_app.training.dispatcher import TakesPacked
from tui_app.training.library_warnings import warnings_noted
from tui_app.training.session_request import MakeSession
from tui_app.training.steering.control import Control, Stop
from tui_app.training.watchdog import StepInterrupted, Watchdog, where_interrupted

if TYPE_CHECKING:
    from tui_app.training.session import Session

_CANCELLED = "Cancelled before training began{}."

#: Seconds between two checks whether a thread that `join` waits for was abandoned.
_JOIN_SECONDS = 0.1

#: Bytes read of the end of an earlier session's log.txt.
_LARGEST_LOG = 1 << 22


@dataclass(frozen=True)
class _Past:
    """An event of an earlier session, or the lines of its log.txt.

    The event gets no line in the log, since log.txt has it with its time.
    """

    event: Record | None
    lines: Sequence[str] = ()

    def add_to(self, history: History) -> None:
        """Add the event or the lines to the history."""
        if self.event is not None:
            history.record(self.event, log=False)
        for line in self.lines:
            history.log.add_recorded(line)


class LocalRun:
    """Trains the session that `make_session` prepares. The thread fills a buffer; `poll` drains it.

    The thread never waits for the screen: it appends to a deque and nothing more.
    """

    def __init__(self, title: str, make_session: MakeSession) -> None:
        self.title = title
        self.history = History()
        self.control = Control()
        self.stage = "waiting for its turn"
        self.stuck_at = ""
        self.failure: Failure | None = None
        self.folder: Path | None = None
        self._make_session = make_session
        self._events: deque[Record | RunInfo | _Past] = deque()
        self._session: Session | None = None
        self._notes: list[str] = []
        self._is_abandoned = False
        self._hold = RandomNumberHold()
        self._thread = threading.Thread(target=self._train, name="training", daemon=True)

    @property
    def name(self) -> str:
        """`<lecture>/<time>`, or its title until it has a folder."""
        return f"{self.folder.parent.name}/{self.folder.name}" if self.folder else self.title

    @property
    def loop_control(self) -> Control:
        """Its control: a thread of this program trains it."""
        return self.control

    @property
    def has_started(self) -> bool:
        """Whether it was started."""
        return self._thread.ident is not None

    @property
    def is_over(self) -> bool:
        """Whether it has ended and `poll` has read all its events."""
        return self.has_started and not self.is_alive and not self._events

    @property
    def is_alive(self) -> bool:
        """Whether its thread prepares, trains or saves; not once a stuck thread was abandoned."""
        return self._thread.is_alive() and not self._is_abandoned

    def start(self) -> None:
        """Start the thread."""
        self.stage = "loading torch and the data"
        self._thread.start()

    def join(self, seconds: float) -> bool:
        """Wait until it has ended, at most so long; return whether it has."""
        end = time.monotonic() + seconds
        while self.is_alive and (left := end - time.monotonic()) > 0:
            self._thread.join(min(left, _JOIN_SECONDS))
        return not self.is_alive

    def poll(self) -> bool:
        """Record the events of the thread since the last call; return whether there were any."""
        news = len(self._events)
        for _ in range(news):
            event = self._events.popleft()
            if isinstance(event, RunInfo):
                self.history.info = event
            elif isinstance(event, _Past):
                event.add_to(self.history)
            else:
                self.history.record(event)
        if self.failure is not None and not self._events:
            self.history.fail()
        return news > 0

    # What follows runs in the thread.

    def _train(self) -> None:
        with Watchdog(self.control, self._thread, self._on_stuck, self._abandon):
            try:
                if not self._hold.acquire(self._must_stop_waiting):
                    raise LoadingStopped("cancelled before it began")
                with warnings_noted(self._note):
                    self._train_holding()
            except BaseException as error:  # noqa: BLE001  a failed run must not end the app
                self._failed(error)
            finally:
                self.stage = self.stuck_at = ""
                self._session = None
                self.control.cancel_requests()  # a run that failed before training resolves none
                self._hold.release()
        if self.folder is not None:  # else nothing was trained, perhaps because torch is missing
            from tui_app.training.devices.device import release_gpu_memory  # puts off torch

            release_gpu_memory()

    def _note(self, text: str) -> None:
        """Record a note with the run, once it has a folder."""
        if self._session is None:
            self._notes.append(text)
        else:
            self._session.note(text)

    def _must_stop_waiting(self) -> bool:
        stop_probes()
        return self.control.must_stop()

    def _train_holding(self) -> None:
        from tui_app.inspection.diagnosis.listener import DiagnosisListener  # puts off torch

        if self.control.stop_request is not None:
            raise LoadingStopped("cancelled before it began")
        session = self._session = self._make_session(self.control, self._loading)
        self.folder, self.stage = session.folder.path, ""
        for text in self._notes:
            session.note(text)
        self._read_past(session)
        buffer = TakesPacked(self._events.append)
        session.train(self.control, [buffer], DiagnosisListener.of_session)

    def _read_past(self, session: Session) -> None:
        """Begin with run.json, and for a resumed run with its metrics.jsonl and log.txt."""
        folder = session.folder
        self._events.append(RunInfo.of(folder.read_record()))
        with suppress(LoadingStopped):  # the loop will see the stop
            for record in read_records(
                folder.metrics, Event, PackedEpochs, stopped=self.control.must_stop
            ):
                # A resumed run isn't completed, even before it says that it trains again.
                if not isinstance(record, RunCompleted):
                    self._events.append(_Past(record))
        self._events.append(_Past(None, _lines_of(folder.log)))

    def _loading(self, progress: Progress) -> None:
        self.stage = printable(f"{progress.step}: {loading_detail(progress)}")

    def _failed(self, error: BaseException) -> None:
        if self._is_abandoned:  # `_abandon` has reported it
            return
        if isinstance(error, LoadingStopped | StepInterrupted):
            where = where_interrupted(error) if isinstance(error, StepInterrupted) else ""
            self.failure = Failure(_CANCELLED.format(where), "", 0)
            return
        self.failure = failure_of(error)

    # What follows runs in the watchdog's thread.

    def _on_stuck(self, text: str) -> None:
        self.stuck_at = text
        if text and self._session is not None:
            self._session.note(text)

    def _abandon(self, stop: Stop, where: str) -> None:
        """Continue without the thread, which is stuck below Python code."""
        self.control.is_abandoned = True
        if self._session is not None:
            self._session.abandon(self.control, where)
        else:
            self.failure = Failure(_CANCELLED.format(where), "", 0)
        self.control.cancel_requests()
        self.stage = self.stuck_at = ""
        self._is_abandoned = True
        self._hold.release()


def _lines_of(log: Path) -> list[str]:
    """Return the lines of a log.txt, or the last ones of a long one."""
    try:
        with open_file(log) as file:
            skipped = max(0, file.seek(0, os.SEEK_END) - _LARGEST_LOG)
            file.seek(skipped)
            lines = file.read().decode("utf-8", errors="replace").split("\n")
    except OSError:
        return []
    return lines[bool(skipped) : -1]  # the first may be cut, and the last is empty
