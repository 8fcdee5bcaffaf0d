"""A run steered from another program of the same person: over a Unix socket, a line of JSON each.

`{"do": "pause"}` or `{"do": "set_lr", "value": 0.05}` is answered with `{"done": true}` or with
`{"error": "..."}`. The socket lies in a folder that nobody else can enter: a run folder's own path
may be too long for a socket, or on a file system that has none.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import stat
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tui_app.training.control import Control, Steering

#: A path longer than this fits into no socket's address, on any system.
_LONGEST = 100

#: Bytes of one command, seconds for its answer, and callers that are heard at the same time.
_LARGEST = 4096
_PATIENCE = 5.0
_CALLERS = 8

IS_AVAILABLE = hasattr(socket, "AF_UNIX")


def private_folder() -> Path:
    """A folder for sockets that this user alone can enter. Raises OSError when there is none."""
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or "")
    if runtime.is_absolute() and runtime.is_dir() and runtime.stat().st_uid == os.getuid():
        folder = runtime / "tutorch"
    else:
        folder = Path(tempfile.gettempdir()) / f"tutorch-{os.getuid()}"
    if len(os.fsencode(folder)) + 20 > _LONGEST:
        folder = Path(f"/tmp/tutorch-{os.getuid()}")
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()  # of the folder itself: somebody may have put a link there
    if folder.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder} is open to others: no control socket is made there")
    return folder


def is_control_socket(path: str) -> bool:
    """Whether a run of this user may listen there: status.json could name any socket, such as that
    of another program, which would then be sent commands.
    """
    place = Path(path)
    try:
        found, folder = place.lstat(), place.parent.lstat()
    except (OSError, ValueError):
        return False
    is_named_so = place.parent.name.startswith("tutorch") and place.suffix == ".sock"
    is_private = found.st_uid == folder.st_uid == os.getuid() and not folder.st_mode & 0o077
    return is_named_so and is_private and stat.S_ISSOCK(found.st_mode)


class ControlSocket:
    """Passes what is asked for over a socket on to a run's `control`, in threads of its own.

    `path` is where it listens. Raises OSError.
    """

    def __init__(self, control: Control) -> None:
        folder = private_folder()
        _remove_stale(folder)
        self.path = folder / f"{secrets.token_hex(6)}.sock"
        self._control = control
        self._callers = threading.Semaphore(_CALLERS)
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._begin(self.path.with_suffix(".new"))
        except OSError:
            self._listening.close()
            raise
        threading.Thread(target=self._listen, name="control socket", daemon=True).start()

    def _begin(self, path: Path) -> None:
        """Listen, and only then take the name at which others look for sockets: until it is
        listened to, they take one for that of a program that was killed.
        """
        self._listening.bind(str(path))
        path.chmod(0o600)
        self._listening.listen(_CALLERS)
        path.rename(self.path)

    def close(self) -> None:
        """Listen no more."""
        self.path.unlink(missing_ok=True)
        with suppress(OSError):  # not connected, says the system, and wakes the thread
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _listen(self) -> None:
        while True:
            self._callers.acquire()
            try:
                caller, _ = self._listening.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        caller.settimeout(_PATIENCE)
        try:
            with caller, caller.makefile("rwb") as stream:
                line = stream.readline(_LARGEST)
                stream.write(json.dumps(_obey(self._control, line)).encode() + b"\n")
        except OSError:  # the caller has gone, or says nothing: it is its own affair
            return
        finally:
            self._callers.release()


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


def _remove_stale(folder: Path) -> None:
    """Remove the sockets of programs that were killed."""
    for path in folder.glob("*.sock"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(1.0)
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink(missing_ok=True)
            except OSError:  # busy, or gone meanwhile
                continue


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
    """Let the run that listens at `path` do the `command`; what went wrong, if anything."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_PATIENCE)
            connection.connect(path)
            connection.sendall(json.dumps(command).encode() + b"\n")
            with connection.makefile("rb") as stream:
                answer = json.loads(stream.readline(_LARGEST))
        return answer.get("error") if isinstance(answer, dict) else "no answer"
    except (OSError, ValueError) as error:
        return f"the program that trains doesn't answer ({error})"
