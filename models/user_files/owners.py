"""Finds which user owns a file, and whether that is the user who runs this program.

Root's files count as the user's own, because root can replace Python itself. On a system without
user ids, all files do.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

_ROOT = 0


def uid_of(status: os.stat_result) -> int:
    """The id of the user who owns the file with this status."""
    return status.st_uid


def own_uids() -> frozenset[int]:
    """The users whose files count as the user's own: the user, root, and under `sudo` the user who
    called it.
    """
    if not hasattr(os, "geteuid"):
        return frozenset()
    own = {os.geteuid(), _ROOT}
    caller = os.environ.get("SUDO_UID", "")
    if os.geteuid() == _ROOT and caller.isdecimal():
        own.add(int(caller))
    return frozenset(own)


def foreign_uids(uids: Iterable[int]) -> frozenset[int]:
    """Those of `uids` whose files don't count as the user's own."""
    return frozenset(uids) - own_uids() if hasattr(os, "geteuid") else frozenset()


def owners_of(folder: Path, names: Iterable[str]) -> frozenset[int]:
    """The owners of these files below `folder`, and of their folders. For a link, these are the
    owners of the target, of the target's folder, and of the link's folder.

    A path without a target has no owner.
    """
    found: set[int] = set()
    for path in [folder, *(folder / name for name in names)]:
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            real = path.resolve()
            folders = [] if real.is_dir() else [real.parent, path.parent]
            found.update(uid_of(each.stat()) for each in [real, *folders])
    return frozenset(found)


def user_names(uids: Iterable[int]) -> str:
    """The users' names: `eve (uid 1003)`, or `uid 1003` for a user without a name."""
    return " and ".join(_name(uid) for uid in sorted(uids))


def _name(uid: int) -> str:
    try:
        import pwd  # not on every system

        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except (ImportError, KeyError, OverflowError):
        return f"uid {uid}"
