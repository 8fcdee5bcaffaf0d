"""Stores in the user's state folder which code the user trusts: one file for each hash.

Each file is replaced as a whole, so several programs can write at once, and a damaged file affects
no other hash. Removing a file revokes the trust.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from datasets.reading.paths import user_path
from models.user_files.owners import foreign_uids, uid_of

#: The largest size of an entry in bytes.
_LARGEST = 1 << 16


@dataclass(frozen=True)
class Remembered:
    """The store's entry for a hash; `owners` is None if there is none. They are the other users
    whose files with this hash are trusted too. `problem` says why an entry can't be used.
    """

    owners: frozenset[int] | None = None
    problem: str = ""


def state_folder() -> Path | None:
    """The folder for state that outlives the program: $TUTORCH_STATE_DIR (empty: none), else the
    system's folder for such files.
    """
    folder = os.environ.get("TUTORCH_STATE_DIR")
    if folder is None:
        import platformdirs

        folder = str(platformdirs.user_state_path("tutorch", appauthor=False))
    if not folder:
        return None
    path = user_path(folder)
    # Without a home folder, the system's folder begins with a ~ that can't be expanded.
    return None if path.parts[0].startswith("~") else path.absolute()


def store_folder() -> Path | None:
    """The folder of the entries; None if nothing is stored."""
    folder = state_folder()
    return folder / "trusted" if folder is not None else None


def count() -> int:
    """How many hashes are trusted."""
    folder = store_folder()
    return len(list(folder.glob("*.json"))) if folder is not None else 0


def recall(digest: str) -> Remembered:
    """The entry for a hash."""
    path = _entry(digest)
    if path is None:
        return Remembered()
    try:
        return Remembered(_read(path))
    except FileNotFoundError:
        return Remembered()
    except OSError as error:
        return Remembered(problem=f"{path} can't be read: {error.strerror or error}")
    except (ValueError, RecursionError) as error:
        return Remembered(problem=f"{path} can't be used: {error}")


def remember(digest: str, file: Path, owners: Iterable[int]) -> None:
    """Store that a hash is trusted, also in these users' files. Raises OSError."""
    path, known = _entry(digest), recall(digest).owners
    wanted = frozenset(owners) | (known or frozenset())
    if path is None or wanted == known:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    when = time.strftime("%Y-%m-%d %H:%M:%S")
    values = {"file": str(file), "trusted": when, "owners": sorted(wanted)}
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}.tmp")
    try:
        temporary.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _entry(digest: str) -> Path | None:
    folder = store_folder()
    return folder / f"{digest}.json" if folder is not None else None


def _read(path: Path) -> frozenset[int]:
    """The owners in an entry. Raises OSError, or ValueError for an invalid entry."""
    status = path.stat()
    if not path.is_file() or status.st_size > _LARGEST:
        raise ValueError("it isn't an entry of trusted code")
    if foreign_uids({uid_of(status)}):
        raise ValueError("another user owns it")
    found = json.loads(path.read_text(encoding="utf-8"))
    owners = found.get("owners") if isinstance(found, dict) else None
    if not isinstance(owners, list) or not all(type(uid) is int for uid in owners):
        raise ValueError("it isn't an entry of trusted code")
    return frozenset(owners)
