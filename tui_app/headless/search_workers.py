"""Starts several workers of a search as processes, and prints what they say in one place."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from rich.console import Console
from rich.text import Text

from models.fields import setting_text
from tui_app.headless.search_output import TrialLines
from tui_app.headless.search_request import SearchRequest
from tui_app.runs.exit_codes import ExitCode
from tui_app.terminal.signal_thread import handle_signals
from tui_app.terminal.signals import save_signals, stop_signals, suspend_process, suspend_signals
from tui_app.text.escaping import printable
from tui_app.training.devices.machine_load import usable_threads
from tui_app.training.devices.nvidia import gpu_names

#: Workers that died, started again at most this often for each of them.
_AGAIN = 2


@dataclass(frozen=True)
class _Line:
    """A line of a worker's stdout or stderr. An empty one says that the worker has ended."""

    worker: int
    text: str
    is_data: bool = False


class Workers:
    """The processes of a search on this machine, a card each where there are cards."""

    def __init__(self, request: SearchRequest, console: Console, lines: TrialLines) -> None:
        self._request = request
        self._console = console
        self._lines = lines
        self._output: queue.Queue[_Line] = queue.Queue()
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._stopped_by: signal.Signals | None = None
        self._restarts = 0

    def run(self) -> int:
        """Start the workers and wait for them; return the exit code."""
        self._say(f"{self._request.workers} workers start; each trial has a line when it ends")
        with handle_signals(self._on_signal):
            for number in range(self._request.workers):
                self._start(number)
            codes = []
            while self._processes:
                line = self._output.get()
                if line.text:
                    self._print(line)
                else:
                    codes.append(self._end(line.worker))
        if self._stopped_by is not None:
            return stop_signals()[self._stopped_by]
        return next((code for code in codes if code), ExitCode.DONE)

    def _start(self, number: int) -> None:
        process = subprocess.Popen(
            self.command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # the terminal's signals reach them through this program
            env=self._environment(number),
        )
        self._processes[number] = process
        readers = [
            self._reader(number, process.stdout, is_data=True),
            self._reader(number, process.stderr, is_data=False),
        ]
        threading.Thread(target=self._report_end, args=(number, process, readers)).start()

    def command(self) -> list[str]:
        """The command line of a worker."""
        request = self._request
        lecture = request.lecture
        words = ["search", str(lecture.path) if lecture.source else lecture.name]
        words += ["--study", request.name, "--runs-dir", str(request.runs_dir.absolute()), "--json"]
        machine = dict(request.machine)
        # Programs beside each other with as many threads as cores would wait for each other.
        machine.setdefault("threads", max(1, usable_threads() // request.workers))
        machine["on_hangup"] = (
            "stop"  # they stop when this program, which reads their output, is gone
        )
        for name, value in machine.items():
            words += [f"--{name.replace('_', '-')}", setting_text(value)]
        return [sys.executable, "-P", "-m", "tui_app", *words]

    def _environment(self, number: int) -> dict[str, str]:
        here = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH", "")]))
        variables = {**os.environ, "PYTHONPATH": path}
        if self._request.storage:
            variables["TUTORCH_STORAGE"] = self._request.storage  # not in the list of processes
        cards = visible_cards(os.environ)
        if cards and self._request.machine.get("device", "auto") in ("auto", "cuda"):
            variables["CUDA_VISIBLE_DEVICES"] = cards[number % len(cards)]
        return variables

    def _reader(self, number: int, stream: IO[bytes] | None, *, is_data: bool) -> threading.Thread:
        assert stream is not None

        def read() -> None:
            with stream:
                for line in stream:
                    text = line.decode(errors="replace").rstrip()
                    if text:
                        self._output.put(_Line(number, text, is_data))

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    def _report_end(
        self, number: int, process: subprocess.Popen[bytes], readers: list[threading.Thread]
    ) -> None:
        for reader in readers:
            reader.join()
        process.wait()
        self._output.put(_Line(number, ""))

    def _print(self, line: _Line) -> None:
        if line.is_data:
            try:
                self._lines(json.loads(line.text))
                return
            except (ValueError, KeyError, TypeError):  # not one of ours
                pass
        text = line.text.removeprefix("tutorch: ")
        self._say(f"worker {line.worker}: {text}")

    def _say(self, text: str) -> None:
        self._console.print(Text(printable(text)), soft_wrap=True)

    def _end(self, number: int) -> int:
        """Forget a worker that has ended, and start another if it died; its exit code, or 0."""
        code = self._processes.pop(number).returncode
        if code >= 0 or self._stopped_by is not None:
            return max(code, 0)
        text = f"worker {number} was killed by signal {-code}: its trial is taken again"
        self._say(text)
        if self._restarts >= _AGAIN * self._request.workers:
            return ExitCode.FAILED
        if self._processes or self._request.summary().is_unfinished:
            self._restarts += 1
            self._start(number)
        return ExitCode.DONE

    def _on_signal(self, number: signal.Signals) -> None:
        """Pass a signal on to all workers; Ctrl-Z stops them, and then this program."""
        if number in suspend_signals():
            is_stop = number.name == "SIGTSTP"
            self._send(signal.SIGSTOP if is_stop else signal.SIGCONT)
            if is_stop:
                suspend_process()
            return
        if number.name == "SIGHUP" and self._request.keep:
            self._console.quiet = True
            return
        if number not in save_signals() and self._stopped_by is None:
            self._stopped_by = number
        self._send(number)

    def _send(self, number: signal.Signals) -> None:
        for process in list(self._processes.values()):
            if process.poll() is None:
                process.send_signal(number)


def visible_cards(variables: Mapping[str, Any]) -> list[str]:
    """The cards of this machine that a program may use, as CUDA_VISIBLE_DEVICES names them."""
    visible = variables.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [card.strip() for card in visible.split(",") if card.strip() not in ("", "-1")]
    return [str(index) for index in range(len(gpu_names()))]
