"""Lets other programs of the same user control a run over a Unix socket.

A command is one line of JSON: `{"do": "pause"}` or `{"do": "set_lr", "value": 0.05}`. The reply is
`{"done": true}` or `{"error": "..."}`. The socket is in a folder that only its user can enter, not
in the run folder, whose path may be too long for a socket or on a file system without sockets.
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
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui_app.training.steering.control import Control
from tui_app.training.steering.socket_folder import SocketName, private_folder, remove_stale

#: Most bytes of a command, seconds that a client has to send it, and most clients at a time.
_LARGEST = 4096
TIMEOUT = 5.0
_CLIENTS = 32

#: Seconds between two checks for clients that timed out, and before a failed accept is repeated.
_CHECK = 0.5
_RETRY = 0.02

#: Control's methods by the names of commands, which programs of other versions know too.
_METHODS = {
    "pause": "pause",
    "go_on": "unpause",
    "take_epoch": "run_epoch",
    "save": "save",
    "stop": "stop",
}


@dataclass
class _Client:
    """A program that connected: what it sent so far, and when it times out."""

    connection: socket.socket
    deadline: float
    received: bytearray = field(default_factory=bytearray)

    @property
    def has_disconnected(self) -> bool:
        """Whether it closed its end, so that it no longer waits for the command."""
        poll = select.poll()
        poll.register(self.connection, select.POLLIN)
        return any(events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll(0))

    def reply(self, reply: dict[str, Any]) -> None:
        """Send the reply, if the client still reads."""
        with suppress(OSError):
            self.connection.send(json.dumps(reply).encode() + b"\n")


class ControlSocket:
    """Applies commands from a socket to a run's `control`, in a thread of its own.

    It listens at `path`. A client that sends nothing, or too much, doesn't hold up the others.
    Raises OSError.
    """

    def __init__(self, control: Control) -> None:
        folder = private_folder()
        remove_stale(folder)
        self._name = SocketName(folder)
        self.path = self._name.path
        self._control = control
        self._clients: list[_Client] = []  # the oldest first
        self._selector = selectors.DefaultSelector()
        self._closed = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listen(self.path.with_suffix(".new"))
        except OSError:
            self._listener.close()
            self._name.release()
            raise
        threading.Thread(target=self._serve, name="control socket", daemon=True).start()

    def _listen(self, path: Path) -> None:
        """Listen, and only then rename the socket to what others look for: earlier versions remove
        a socket on which no program listens.
        """
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._listener.listen(128)
        self._listener.setblocking(False)
        path.rename(self.path)

    def close(self) -> None:
        """Stop listening."""
        self._closed.set()
        self._name.release()
        with suppress(OSError):  # "not connected": it wakes the thread all the same
            self._listener.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        with self._listener, self._selector:
            self._selector.register(self._listener, selectors.EVENT_READ)
            while not self._closed.is_set():
                for key, _ in self._selector.select(_CHECK):
                    if key.data is None:
                        self._accept()
                    elif key.data in self._clients:
                        self._receive(key.data)
                for client in [c for c in self._clients if c.deadline < time.monotonic()]:
                    self._drop(client)
            for client in list(self._clients):
                self._drop(client)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # it disconnected, or this process has too many open files
            self._closed.wait(_RETRY)
            return
        connection.setblocking(False)
        if not _is_same_user(connection):
            connection.close()
            return
        if len(self._clients) == _CLIENTS:
            self._drop(self._clients[0])
        client = _Client(connection, time.monotonic() + TIMEOUT)
        self._clients.append(client)
        self._selector.register(connection, selectors.EVENT_READ, client)

    def _receive(self, client: _Client) -> None:
        """Read from the client, and execute its command once the line is complete."""
        try:
            received = client.connection.recv(_LARGEST)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        client.received += received
        line, line_break, _ = bytes(client.received).partition(b"\n")
        if received and not line_break and len(line) <= _LARGEST:
            return
        # A client that disconnected has reported a failure to its user.
        if line and not client.has_disconnected:
            client.reply(_execute(self._control, line[:_LARGEST]))
        self._drop(client)

    def _drop(self, client: _Client) -> None:
        self._clients.remove(client)
        self._selector.unregister(client.connection)
        client.connection.close()


def _is_same_user(connection: socket.socket) -> bool:
    """Whether the client belongs to this user (or root), where the system tells."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    size = struct.calcsize("3i")
    _, user, _ = struct.unpack(
        "3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    )
    return user in (os.getuid(), 0)


def _execute(control: Control, line: bytes) -> dict[str, Any]:
    """Execute a command, and return the reply."""
    try:
        command = json.loads(line)
        name, value = command["do"], command.get("value")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {"error": "no command"}
    match name, value:
        case str(), None if name in _METHODS:
            getattr(control, _METHODS[name])()
        case "take_steps", int() if 0 < value < 10**9:
            control.run_steps(value)
        case "set_lr", float() | int() if not isinstance(value, bool) and 0 < value < 1e30:
            control.set_lr(float(value))
        case _:
            return {"error": "no such command"}
    return {"done": True}
