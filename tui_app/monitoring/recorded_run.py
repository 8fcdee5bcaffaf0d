"""A run that another program trains, or has trained, known through its run folder."""

from __future__ import annotations

import json
import math
import socket
import stat
import time
from collections import deque
from pathlib import Path
from typing import Any

from models.fields import setting_text
from tui_app.monitoring.history import History
from tui_app.monitoring.monitored_run import Failure
from tui_app.monitoring.run_info import RunInfo
from tui_app.runs.bounded_lines import LineSplitter, skipped_lines
from tui_app.runs.errors import DamagedRun
from tui_app.runs.listing import current_state, read_status
from tui_app.runs.metrics_reader import event_of
from tui_app.runs.run_files import open_file, refuse_irregular
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_options import TABLE_OPTIONS
from tui_app.runs.run_source import source_in_words
from tui_app.text.escaping import printable
from tui_app.training.control import Steering
from tui_app.training.remote_control import RemoteControl
from tui_app.training.socket_folder import IS_AVAILABLE, is_control_socket

#: Bytes read of a file at once, and the seconds after which a poll reads no more of them.
_CHUNK = 1 << 20
_PATIENCE = 0.1

#: Seconds between two looks at status.json.
_STATUS_SECONDS = 1.0

_UNDER_WAY = ("running", "paused")


class RecordedRun:
    """Follows metrics.jsonl and log.txt as they grow; steers over the run's socket, if it has one
    on this machine.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.name = folder.name
        self.folder: Path = folder.path
        self.failure: Failure | None = None
        self.control: Steering | None = None
        self._address: str | None = None
        self._unheard: deque[str] = deque()
        self.history = History()
        self._folder = folder
        self._metrics = _Tail(folder.metrics)
        self._log = _Tail(folder.log)
        self._looked = -math.inf
        self._read_all = False
        self._trained_by: tuple[object, object] | None = None
        self._take_facts()

    @property
    def silence(self) -> str:
        """Nothing: the program that trains it says so in its log."""
        return ""

    @property
    def stage(self) -> str:
        """What is done before it can be seen whole."""
        return "" if self._read_all else f"reading what was recorded: {self._metrics.share:.0%}"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come: all was read, and nobody trains it."""
        return self._read_all and self.history.state not in _UNDER_WAY

    def settings(self) -> list[tuple[str, str]]:
        """What run.json says of the run, as pairs of words."""
        try:
            record = self._folder.read_record()
        except DamagedRun:
            return []
        told = [(name, record.get(name)) for name in ("dataset", "device", "threads", "parameters")]
        options = record.get("options")
        if isinstance(options, dict):
            told += [(name, options[name]) for name in TABLE_OPTIONS if options.get(name)]
        settings = record.get("hyperparameters")
        told += list(settings.items()) if isinstance(settings, dict) else []
        told += source_in_words(self._folder, record)
        return [
            (str(name).replace("_", " "), printable(setting_text(value))) for name, value in told
        ]

    def poll(self) -> bool:
        """Read what was recorded since the last call, or as much of it as is read in a moment."""
        before = self.history.version
        if self._metrics.was_rewound:
            self._begin_anew()
        until = time.monotonic() + _PATIENCE
        while not (self._metrics.is_at_end and self._log.is_at_end) and time.monotonic() < until:
            for line in self._metrics.lines(_CHUNK):
                self._take(line)
            for line in self._log.lines(_CHUNK):
                self.history.log.record(line.decode("utf-8", errors="replace"))
                self.history.version += 1
        self._read_all = self._metrics.is_at_end
        if self._read_all:
            self._tell_skipped()
        self._take_status()
        return self.history.version != before

    def _tell_skipped(self) -> None:
        for tail in (self._metrics, self._log):
            for text in tail.take_skipped():
                self.history.log.add(printable(text), "warning")
                self.history.version += 1

    def _begin_anew(self) -> None:
        """Somebody has taken the run up from a checkpoint: what came after it happens again."""
        self.history = History()
        self._metrics, self._log = _Tail(self._folder.metrics), _Tail(self._folder.log)
        self._read_all, self._looked = False, -math.inf
        self._take_facts()

    def _take(self, line: bytes) -> None:
        try:
            values = json.loads(line.decode("utf-8", errors="replace"))
        except (ValueError, RecursionError):
            return
        event = event_of(values) if isinstance(values, dict) else None
        if event is not None:
            self.history.take(event, tell=False)  # log.txt has its line

    def _take_facts(self) -> None:
        try:
            self.history.facts = RunInfo.of(self._folder.read_record())
            for path in (self._folder.metrics, self._folder.log):
                refuse_irregular(path)
        except (DamagedRun, KeyError, TypeError, ValueError, AttributeError) as error:
            self.failure = Failure(str(error), "", 1)

    def _take_status(self) -> None:
        if time.monotonic() - self._looked < _STATUS_SECONDS:
            return
        status = _status_of(self._folder)
        trained_by = (status.get("pid"), status.get("host"))
        if self._trained_by not in (None, trained_by):
            self._begin_anew()
        self._trained_by, self._looked = trained_by, time.monotonic()
        state = current_state(status)
        if state != self.history.state:
            self.history.state = state
            self.history.version += 1
            if state in _UNDER_WAY:
                self.history.completed = None
        is_here = state in _UNDER_WAY and status.get("host") == socket.gethostname()
        self._steer_over(status.get("control") if is_here else None)

    def _steer_over(self, address: object) -> None:
        """Steer the run over the socket at this address; not at all without one."""
        while self._unheard:
            self.history.log.add(printable(self._unheard.popleft()), "error")
            self.history.version += 1
        is_socket = IS_AVAILABLE and isinstance(address, str) and is_control_socket(address)
        wanted = str(address) if is_socket else None
        if wanted != self._address:
            self._address = wanted
            self.control = RemoteControl(wanted, self._unheard.append) if wanted else None


def _status_of(folder: RunFolder) -> dict[str, Any]:
    try:
        return read_status(folder)
    except DamagedRun:
        return {}


class _Tail:
    """The lines of a file that grows, each once, when it is complete."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._splitter = LineSplitter()
        self._skipped = 0

    @property
    def _size(self) -> int:
        try:
            found = self._path.lstat()
        except OSError:
            return 0
        return found.st_size if stat.S_ISREG(found.st_mode) else 0

    @property
    def was_rewound(self) -> bool:
        """Whether the file is shorter than what was read of it."""
        return self._size < self._offset

    @property
    def is_at_end(self) -> bool:
        """Whether all of it was read."""
        return self._offset >= self._size

    @property
    def share(self) -> float:
        """How much of it was read, from 0 to 1."""
        return min(1.0, self._offset / max(1, self._size))

    def take_skipped(self) -> list[str]:
        """A sentence about the lines that were too long, if there are new ones."""
        new, self._skipped = self._splitter.skipped - self._skipped, self._splitter.skipped
        return [skipped_lines(self._path, new)] if new else []

    def lines(self, at_most: int) -> list[bytes]:
        """The complete lines among the next `at_most` bytes."""
        if self.is_at_end:
            return []
        with open_file(self._path) as file:
            file.seek(self._offset)
            block = file.read(at_most)
        self._offset += len(block)
        return self._splitter.lines(block)
