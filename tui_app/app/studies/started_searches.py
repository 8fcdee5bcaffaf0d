"""Starts searches as processes of their own, which go on when the app is closed."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tui_app.monitoring.detached_process import start_detached
from tui_app.runs.files.durable_files import replace_file
from tui_app.runs.files.run_files import open_file
from tui_app.search.storage import runs_dir_words, study_argument

#: The characters of a log's end that are searched for its last line.
_END = 4_000


@dataclass(frozen=True)
class StartedSearch:
    """A search that this program started. Its output goes to the file `log`."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def is_running(self) -> bool:
        """Whether the process is alive."""
        return self.process.poll() is None

    @property
    def failure(self) -> str:
        """The last line of the log if the search failed, else an empty text."""
        code = self.process.poll()
        if not code or code in _STOPPED:
            return ""
        try:
            with open_file(self.log, "rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _END))
                lines = file.read().decode("utf-8", "replace").split("\n")
        except OSError as error:
            lines = [f"its log {self.log} can't be read: {error.strerror}"]
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return last or f"The search ended with exit code {code}."


#: The exit codes of a search that a signal stopped.
_STOPPED = (-signal.SIGTERM, -signal.SIGINT, 129, 130, 143)


def find_search(name: str, log: Path) -> int | None:
    """Return the process that an app of this user has started to search a study, if it is alive;
    that app may have been closed since.
    """
    import psutil

    try:
        with open_file(_pid_file(log), "r", encoding="ascii") as file:
            process = psutil.Process(int(file.read(20)))
        is_own = process.username() == psutil.Process().username()
        words = process.cmdline()
    except (OSError, ValueError, psutil.Error):
        return None
    return process.pid if is_own and {"tui_app", "search", f"--study={name}"} <= {*words} else None


def stop_search(name: str, log: Path) -> bool:
    """Ask the process that `find_search` finds to save and end. Returns whether there is one."""
    pid = find_search(name, log)
    if pid is None:
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    return True


def _pid_file(log: Path) -> Path:
    return log.with_suffix(".pid")


class StartedSearches:
    """The searches that this program started, by the name of their study."""

    def __init__(self) -> None:
        self._by_name: dict[str, StartedSearch] = {}

    def start(self, name: str, words: Sequence[str], log: Path) -> None:
        """Start `tutorch` with these words, for the study `name`. Raises OSError."""
        log.parent.mkdir(parents=True, exist_ok=True)
        process = start_detached(words, log)
        content = str(process.pid).encode()
        replace_file(_pid_file(log), lambda file: file.write(content))
        self._by_name[name] = StartedSearch(name, process, log)

    def get(self, name: str) -> StartedSearch | None:
        """Return the search of a study that was started last."""
        return self._by_name.get(name)

    @property
    def running(self) -> list[StartedSearch]:
        """The searches that are alive."""
        return [search for search in self._by_name.values() if search.is_running]

    def describe_running(self, runs_dir: Path) -> str:
        """Say for each search that is alive how to watch and stop it; empty without any."""
        app = shlex.join(["tutorch", *runs_dir_words(runs_dir)])
        return "".join(
            f"tutorch: the search {search.name} goes on as process {search.process.pid}\n"
            f"  to watch it   tutorch study {study_argument('', runs_dir, search.name)}\n"
            f"  or, then y    {app}\n"
            f"  to stop it    kill {search.process.pid}    (it saves first)\n"
            f"  its log       tail -f {search.log}\n"
            for search in self.running
        )
