"""Monitors a run that another program trains, or has trained, through its run folder."""

from __future__ import annotations

import math
import socket
import stat
import time
from collections import deque
from pathlib import Path
from typing import Any

from models.fields import setting_text
from tui_app.monitoring.failures import Failure
from tui_app.monitoring.history import History
from tui_app.monitoring.run_info import RunInfo
from tui_app.runs.errors import DamagedRun
from tui_app.runs.files.bounded_lines import LineSplitter, skipped_lines
from tui_app.runs.files.run_files import open_file, refuse_irregular
from tui_app.runs.listing import current_state, read_status
from tui_app.runs.metrics.metrics_codec import decode
from tui_app.runs.rank_devices import rank_devices, ranks_text
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_source import source_properties
from tui_app.runs.settings.run_options import TABLE_OPTIONS
from tui_app.text.escaping import printable
from tui_app.training.steering.control import Steering
from tui_app.training.steering.remote_control import RemoteControl
from tui_app.training.steering.socket_folder import IS_AVAILABLE, is_control_socket

#: Bytes read at once, and the seconds after which a poll stops reading.
_CHUNK = 1 << 20
_POLL_SECONDS = 0.1

#: Seconds between two reads of status.json.
_STATUS_SECONDS = 1.0

_ACTIVE = ("running", "paused")


class RecordedRun:
    """Reads metrics.jsonl and log.txt as they grow; controls the run over its socket, if it has
    one on this machine.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.name = folder.name
        self.folder: Path = folder.path
        self.failure: Failure | None = None
        self.control: Steering | None = None
        self._address: str | None = None
        self._refusals: deque[str] = deque()
        self.history = History()
        self._folder = folder
        self._metrics = _Tail(folder.metrics)
        self._log = _Tail(folder.log)
        self._status_read_at = -math.inf
        self._read_all = False
        self._trainer: tuple[object, object] | None = None
        self._read_info()

    @property
    def stuck_at(self) -> str:
        """Empty: the program that trains the run writes this into its log."""
        return ""

    @property
    def stage(self) -> str:
        """How much of metrics.jsonl was read; empty once all was."""
        return "" if self._read_all else f"reading metrics.jsonl: {self._metrics.share:.0%}"

    @property
    def is_over(self) -> bool:
        """Whether everything was read and no program trains the run."""
        return self._read_all and self.history.state not in _ACTIVE

    def settings(self) -> list[tuple[str, str]]:
        """Return the settings in run.json as names and texts."""
        try:
            record = self._folder.read_record()
        except DamagedRun:
            return []
        shown: list[tuple[str, Any]] = [
            ("dataset", record.dataset),
            ("device", ranks_text(rank_devices(_status_of(self._folder))) or record.devices_text),
            ("threads", self.history.threads or record.threads),
            ("parameters", record.parameters),
        ]
        shown += [(n, record.options[n]) for n in TABLE_OPTIONS if record.options.get(n)]
        shown += record.hyperparameters.items()
        shown += source_properties(self._folder, record)
        return [(name.replace("_", " "), printable(setting_text(value))) for name, value in shown]

    def refresh(self) -> bool:
        """Poll, and read status.json however new the last reading is."""
        self._status_read_at = -math.inf
        return self.poll()

    def poll(self) -> bool:
        """Read what was recorded since the last call, or as much of it as is read quickly."""
        before = self.history.version
        if self._metrics.was_rewound:
            self._restart()
        until = time.monotonic() + _POLL_SECONDS
        while not (self._metrics.is_at_end and self._log.is_at_end) and time.monotonic() < until:
            for line in self._metrics.lines(_CHUNK):
                self._record(line)
            for line in self._log.lines(_CHUNK):
                self.history.log.add_recorded(line.decode("utf-8", errors="replace"))
                self.history.version += 1
        self._read_all = self._metrics.is_at_end
        if self._read_all:
            self._log_skipped()
        self._read_status()
        return self.history.version != before

    def _log_skipped(self) -> None:
        for tail in (self._metrics, self._log):
            for text in tail.pop_skipped():
                self.history.log.add(printable(text), "warning")
                self.history.version += 1

    def _restart(self) -> None:
        """Read everything again, since the run was resumed from an earlier checkpoint."""
        self.history = History()
        self._metrics, self._log = _Tail(self._folder.metrics), _Tail(self._folder.log)
        self._read_all, self._status_read_at = False, -math.inf
        self._read_info()

    def _record(self, line: bytes) -> None:
        record = decode(line)
        if record is not None:
            self.history.record(record, log=False)  # log.txt has its line

    def _read_info(self) -> None:
        try:
            self.history.info = RunInfo.of(self._folder.read_record())
            for path in (self._folder.metrics, self._folder.log):
                refuse_irregular(path)
        except DamagedRun as error:
            self.failure = Failure(str(error), "", 1)

    def _read_status(self) -> None:
        if time.monotonic() - self._status_read_at < _STATUS_SECONDS:
            return
        status = _status_of(self._folder)
        trainer = (status.get("pid"), status.get("host"))
        if self._trainer not in (None, trainer):
            self._restart()
        self._trainer, self._status_read_at = trainer, time.monotonic()
        ranks = rank_devices(status)
        if ranks != self.history.ranks:
            self.history.ranks = ranks
            self.history.version += 1
        state = current_state(status)
        if state != self.history.state:
            self.history.state = state
            self.history.version += 1
            if state in _ACTIVE:
                self.history.completed = None
        is_here = state in _ACTIVE and status.get("host") == socket.gethostname()
        self._connect(status.get("control") if is_here else None)

    def _connect(self, address: object) -> None:
        """Control the run over the socket at this address; without one, only watch it."""
        while self._refusals:
            self.history.log.add(printable(self._refusals.popleft()), "error")
            self.history.version += 1
        is_socket = IS_AVAILABLE and isinstance(address, str) and is_control_socket(address)
        usable = str(address) if is_socket else None
        if usable != self._address:
            self._address = usable
            self.control = RemoteControl(usable, self._refusals.append) if usable else None


def _status_of(folder: RunFolder) -> dict[str, Any]:
    try:
        return read_status(folder)
    except DamagedRun:
        return {}


class _Tail:
    """Reads the complete lines of a file that grows, each once."""

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
        """Whether the file is shorter than what was read of it, since the run was resumed."""
        return self._size < self._offset

    @property
    def is_at_end(self) -> bool:
        """Whether the whole file was read."""
        return self._offset >= self._size

    @property
    def share(self) -> float:
        """How much of the file was read, from 0 to 1."""
        return min(1.0, self._offset / max(1, self._size))

    def pop_skipped(self) -> list[str]:
        """Return a sentence about new lines that were too long to read, if there are any."""
        new, self._skipped = self._splitter.skipped - self._skipped, self._splitter.skipped
        return [skipped_lines(self._path, new)] if new else []

    def lines(self, at_most: int) -> list[bytes]:
        """Return the complete lines among the next `at_most` bytes."""
        if self.is_at_end:
            return []
        with open_file(self._path) as file:
            file.seek(self._offset)
            block = file.read(at_most)
        self._offset += len(block)
        return self._splitter.lines(block)
