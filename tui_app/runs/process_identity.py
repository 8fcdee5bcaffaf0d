"""Which process a number means, and whether it still runs."""

from __future__ import annotations

import os
from pathlib import Path


def identity(pid: int) -> str | None:
    """What tells process `pid` from every other one of this number, before and after a restart of
    the machine; None where the system doesn't say, or there is no such process.
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
    """Whether a process of this number is on this machine; True where that can't be asked."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
