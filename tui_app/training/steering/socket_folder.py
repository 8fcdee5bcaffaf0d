"""Names control sockets, in a folder that only their user can enter, and removes stale ones.

A name is claimed by a locked file beside the socket. The system releases the lock when the program
ends in any way, so a socket with a free lock is stale, and one with a held lock is never removed,
even while its program is still starting.
"""

from __future__ import annotations

import os
import secrets
import socket
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

IS_AVAILABLE = hasattr(socket, "AF_UNIX")

if sys.platform != "win32":
    import fcntl

#: A longer path may not fit into a socket's address on some system.
_LONGEST = 100

_OPEN = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def private_folder() -> Path:
    """The folder for sockets, which only this user can enter. Raises OSError."""
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or "")
    if runtime.is_absolute() and runtime.is_dir() and runtime.stat().st_uid == os.getuid():
        folder = runtime / "tutorch"
    else:
        folder = Path(tempfile.gettempdir()) / f"tutorch-{os.getuid()}"
    if len(os.fsencode(folder)) + 20 > _LONGEST:
        folder = Path(f"/tmp/tutorch-{os.getuid()}")
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()  # not of a link's target
    if folder.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder} is open to other users: no control socket is made there")
    return folder


def is_control_socket(path: str) -> bool:
    """Whether the path may be a run's socket of this user. status.json could name a socket of
    another program, which must not be sent commands.
    """
    place = Path(path)
    try:
        found, folder = place.lstat(), place.parent.lstat()
    except (OSError, ValueError):
        return False
    is_named_so = place.parent.name.startswith("tutorch") and place.suffix == ".sock"
    is_private = found.st_uid == folder.st_uid == os.getuid() and not folder.st_mode & 0o077
    return is_named_so and is_private and stat.S_ISSOCK(found.st_mode)


class SocketName:
    """A name for a socket in `folder`, claimed until it is released. Raises OSError."""

    def __init__(self, folder: Path) -> None:
        while True:
            self.path = folder / f"{secrets.token_hex(6)}.sock"
            self._lock = self.path.with_suffix(".lock")
            self._descriptor = os.open(self._lock, _OPEN | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            if _is_at(self._descriptor, self._lock):
                return
            os.close(self._descriptor)  # another program removed it before it was locked

    def release(self) -> None:
        """Remove the socket, and release its name."""
        for path in (self.path, self._lock):
            path.unlink(missing_ok=True)
        os.close(self._descriptor)


def remove_stale(folder: Path) -> None:
    """Remove the sockets of programs that were killed."""
    for lock in folder.glob("*.lock"):
        with suppress(OSError):  # it was removed meanwhile, or a running program holds it
            _remove_if_free(lock)
    for path in folder.glob("*.sock"):
        # Earlier versions have no locks; this one removes the socket before its lock.
        if not path.with_suffix(".lock").exists():
            _remove_if_refused(path)


def _remove_if_free(lock: Path) -> None:
    descriptor = os.open(lock, _OPEN)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(descriptor, lock):
            for suffix in (".sock", ".new", ".lock"):
                lock.with_suffix(suffix).unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _remove_if_refused(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
        except OSError:  # busy, or removed meanwhile
            return


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the open file still is the one at `path`."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False
