"""Identifies a process by more than its number, and says whether it still runs."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any


def identity(pid: int) -> str | None:
    """A text that no other process with the number `pid` has, not even after a reboot; None where
    the system doesn't say, or there is no such process.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        # The name, in parentheses, may hold anything; the start time is the 20th word after it.
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        words = line.rpartition(")")[2].split()
    except OSError:
        return None
    return f"{boot} {words[19]}" if len(words) > 19 and words[0] not in "ZX" else None


def is_running(pid: int) -> bool:
    """Whether a process has this number now; True on systems that don't say."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def this_process() -> dict[str, Any]:
    """The fields of status.json that identify the process that trains."""
    pid = os.getpid()
    return {"pid": pid, "identity": identity(pid), "host": socket.gethostname()}
