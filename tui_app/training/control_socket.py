"""A run steered from another program of the same person: over a Unix socket, a line of JSON each.

`{"do": "pause"}` or `{"do": "set_lr", "value": 0.05}` is answered with `{"done": true}` or with
`{"error": "..."}`. The socket lies in a folder that nobody else can enter: a run folder's own path
may be too long for a socket, or on a file system that has none.
"""

from __future__ import annotations

import json
import os
import select
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui_app.training.control import Control, Steering
from tui_app.training.socket_folder import (
    IS_AVAILABLE,
    SocketName,
    is_control_socket,
    private_folder,
    remove_stale,
)

__all__ = ["IS_AVAILABLE", "ControlSocket", "RemoteControl", "is_control_socket", "send"]

#: Bytes of one command, seconds for its answer, and callers that are heard at the same time.
_LARGEST = 4096
_PATIENCE = 5.0
_CALLERS = 32

#: Seconds between two looks for callers that have said nothing for too long.
_CHECK = 0.5

#: Seconds after which a socket is tried again that too many others call.
_RETRY = 0.02


@dataclass
class _Caller:
    """A program that has connected: what it has said so far, and until when it is heard."""

    connection: socket.socket
    until: float
    said: bytearray = field(default_factory=bytearray)

    @property
    def has_gone(self) -> bool:
        """Whether it has closed its end: nobody waits for what it asked for any more."""
        poll = select.poll()
        poll.register(self.connection, select.POLLIN)
        return any(events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll(0))

    def answer(self, answer: dict[str, Any]) -> None:
        """Send the answer, if that is read."""
        with suppress(OSError):
            self.connection.send(json.dumps(answer).encode() + b"\n")


class ControlSocket:
    """Passes what is requested over a socket on to a run's `control`, in a thread of its own.

    `path` is where it listens. Callers that say nothing, or too much, keep nobody waiting. Raises
    OSError.
    """

    def __init__(self, control: Control) -> None:
        folder = private_folder()
        remove_stale(folder)
        self._name = SocketName(folder)
        self.path = self._name.path
        self._control = control
        self._callers: list[_Caller] = []  # the oldest first
        self._selector = selectors.DefaultSelector()
        self._closed = threading.Event()
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._begin(self.path.with_suffix(".new"))
        except OSError:
            self._listening.close()
            self._name.release()
            raise
        threading.Thread(target=self._serve, name="control socket", daemon=True).start()

    def _begin(self, path: Path) -> None:
        """Listen, and only then take the name at which others look for sockets: earlier versions
        take one that isn't listened to for that of a program that was killed.
        """
        self._listening.bind(str(path))
        path.chmod(0o600)
        self._listening.listen(128)
        self._listening.setblocking(False)
        path.rename(self.path)

    def close(self) -> None:
        """Listen no more."""
        self._closed.set()
        self._name.release()
        with suppress(OSError):  # not connected, says the system, and wakes the thread
            self._listening.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        with self._listening, self._selector:
            self._selector.register(self._listening, selectors.EVENT_READ)
            while not self._closed.is_set():
                for key, _ in self._selector.select(_CHECK):
                    if key.data is None:
                        self._accept()
                    elif key.data in self._callers:
                        self._hear(key.data)
                for caller in [c for c in self._callers if c.until < time.monotonic()]:
                    self._drop(caller)
            for caller in list(self._callers):
                self._drop(caller)

    def _accept(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except OSError:  # it has gone already, or no file may be opened: later, then
            self._closed.wait(_RETRY)
            return
        connection.setblocking(False)
        if not _is_own(connection):
            connection.close()
            return
        if len(self._callers) == _CALLERS:
            self._drop(self._callers[0])
        caller = _Caller(connection, time.monotonic() + _PATIENCE)
        self._callers.append(caller)
        self._selector.register(connection, selectors.EVENT_READ, caller)

    def _hear(self, caller: _Caller) -> None:
        """Read on what a caller says, and do it once its line is complete."""
        try:
            said = caller.connection.recv(_LARGEST)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        caller.said += said
        line, line_break, _ = bytes(caller.said).partition(b"\n")
        if said and not line_break and len(line) <= _LARGEST:
            return
        # Who has stopped waiting was told that nothing came of it.
        if line and not caller.has_gone:
            caller.answer(_obey(self._control, line[:_LARGEST]))
        self._drop(caller)

    def _drop(self, caller: _Caller) -> None:
        self._callers.remove(caller)
        self._selector.unregister(caller.connection)
        caller.connection.close()


def _is_own(connection: socket.socket) -> bool:
    """Whether the caller is of this user, where the system says whose it is."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    size = struct.calcsize("3i")
    _, user, _ = struct.unpack(
        "3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    )
    return user in (os.getuid(), 0)


def _obey(control: Control, line: bytes) -> dict[str, Any]:
    """Do what a line asks for; the answer."""
    try:
        asked = json.loads(line)
        do, value = asked["do"], asked.get("value")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {"error": "no command"}
    match do, value:
        case "pause" | "go_on" | "take_epoch" | "save" | "stop", None:
            getattr(control, do)()
        case "take_steps", int() if 0 < value < 10**9:
            control.take_steps(value)
        case "set_lr", float() | int() if not isinstance(value, bool) and 0 < value < 1e30:
            control.set_lr(float(value))
        case _:
            return {"error": "no such command"}
    return {"done": True}


class RemoteControl(Steering):
    """The control of a run that another program of this machine trains.

    Its methods come back at once, whatever becomes of what they asked for; when that can't be
    passed on, `on_failure` is told why, in a thread.
    """

    def __init__(self, path: str | Path, on_failure: Callable[[str], None]) -> None:
        self._path = str(path)
        self._on_failure = on_failure
        self._order = threading.Lock()
        self._asked: list[dict[str, Any]] = []

    def stop(self, reason: str = "stopped by request", exit_code: int = 0) -> None:
        """Save and stop at the next step."""
        self._ask("stop")

    def pause(self) -> None:
        """Wait after the step under way."""
        self._ask("pause")

    def go_on(self) -> None:
        """End a pause."""
        self._ask("go_on")

    def take_steps(self, count: int) -> None:
        """Train `count` more steps, then pause."""
        self._ask("take_steps", count)

    def take_epoch(self) -> None:
        """Train to the end of the epoch, then pause."""
        self._ask("take_epoch")

    def set_lr(self, lr: float) -> None:
        """Use this learning rate from the next step on."""
        self._ask("set_lr", lr)

    def save(self) -> None:
        """Save last.pt after the step under way."""
        self._ask("save")

    def _ask(self, do: str, value: float | None = None) -> None:
        self._asked.append({"do": do, "value": value})
        threading.Thread(target=self._pass_on, name="remote control", daemon=True).start()

    def _pass_on(self) -> None:
        """Pass the oldest of what is asked for on: each call one, so that they keep their order."""
        with self._order:
            problem = send(self._path, self._asked.pop(0))
        if problem is not None:
            self._on_failure(problem)


def send(path: str, command: dict[str, Any]) -> str | None:
    """Let the run that listens at `path` do the `command`; what went wrong, if anything.

    Once it is said that nothing came of it, the command isn't done later either.
    """
    until = time.monotonic() + _PATIENCE
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            _connect(connection, path, until)
            connection.settimeout(max(_RETRY, until - time.monotonic()))
            connection.sendall(json.dumps(command).encode() + b"\n")
            with connection.makefile("rb") as stream:
                line = stream.readline(_LARGEST)
        answer = json.loads(line) if line else None
        return answer.get("error") if isinstance(answer, dict) else "no answer"
    except (OSError, ValueError) as error:
        return f"the program that trains doesn't answer ({error})"


def _connect(connection: socket.socket, path: str, until: float) -> None:
    """Connect, if need be once those who call already have been heard. Raises OSError."""
    while True:
        connection.settimeout(max(_RETRY, until - time.monotonic()))
        try:
            connection.connect(path)
            return
        except BlockingIOError:
            if time.monotonic() >= until:
                raise
            time.sleep(_RETRY)
