"""Controls a run of another program by sending commands to its control socket."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tui_app.training.steering.control import Steering

#: Seconds for a command and its reply, and between two attempts to connect; bytes of a reply.
TIMEOUT = 5.0
_RETRY = 0.02
_LARGEST = 4096


class RemoteControl(Steering):
    """Controls a run that another program on this machine trains.

    Its methods return at once. If a command fails, `on_failure` is called with the reason, in
    another thread.
    """

    def __init__(self, path: str | Path, on_failure: Callable[[str], None]) -> None:
        self._path = str(path)
        self._on_failure = on_failure
        self._order = threading.Lock()
        self._unsent: list[dict[str, Any]] = []

    def stop(self, reason: str = "stopped by request", exit_code: int = 0) -> None:
        """Save and stop at the next step."""
        self._send("stop")

    def pause(self) -> None:
        """Pause after the current step."""
        self._send("pause")

    def unpause(self) -> None:
        """End a pause."""
        self._send("go_on")

    def run_steps(self, count: int) -> None:
        """Train `count` more steps, then pause."""
        self._send("take_steps", count)

    def run_epoch(self) -> None:
        """Finish the epoch, then pause."""
        self._send("take_epoch")

    def set_lr(self, lr: float) -> None:
        """Use this learning rate from the next step on."""
        self._send("set_lr", lr)

    def save(self) -> None:
        """Save last.pt after the current step."""
        self._send("save")

    def _send(self, name: str, value: float | None = None) -> None:
        self._unsent.append({"do": name, "value": value})
        threading.Thread(target=self._send_oldest, name="remote control", daemon=True).start()

    def _send_oldest(self) -> None:
        """Send the oldest command: one for each call, so that they keep their order."""
        with self._order:
            problem = send(self._path, self._unsent.pop(0))
        if problem is not None:
            self._on_failure(problem)


def send(path: str, command: dict[str, Any]) -> str | None:
    """Send the command to the run that listens at `path`; the error, or None.

    A command that failed here isn't executed later.
    """
    deadline = time.monotonic() + TIMEOUT
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            _connect(connection, path, deadline)
            connection.settimeout(max(_RETRY, deadline - time.monotonic()))
            connection.sendall(json.dumps(command).encode() + b"\n")
            with connection.makefile("rb") as stream:
                line = stream.readline(_LARGEST)
        reply = json.loads(line) if line else None
        return reply.get("error") if isinstance(reply, dict) else "no reply"
    except (OSError, ValueError) as error:
        return f"the program that trains doesn't reply ({error})"


def _connect(connection: socket.socket, path: str, deadline: float) -> None:
    """Connect, and retry while the socket's queue is full. Raises OSError."""
    while True:
        connection.settimeout(max(_RETRY, deadline - time.monotonic()))
        try:
            connection.connect(path)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_RETRY)
