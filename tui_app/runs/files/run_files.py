"""Opens the files of a run folder: regular files only, never through a link, never waiting.

A run folder may come from another user, or be in a folder that others can write to. Links in the
path of the run folder itself are followed: a run folder, or the folder of all runs, may be a
symbolic link. Below it no link is followed: a symbolic link in the place of a file is refused, as
is a FIFO, a socket, a device or a folder.

A hard link is read like any file. A file with a second name is never written to, since that would
change the content under its other name (a backup made by `cp -al`, or any file of the user's): a
copy replaces it first.

New files have random names and are made with O_EXCL (see `tui_app.runs.files.durable_files`), so no
existing file is opened; renaming and removing never follow a link.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO, Any

from tui_app.runs.errors import DamagedRun

#: Flags, as far as the system has them. O_NONBLOCK: opening a FIFO would wait for its other end.
_SAFE = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY"))
_FOLDER = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_CLOEXEC", "O_DIRECTORY"))

_KINDS = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class NotRegularFile(DamagedRun, OSError):
    """Something other than a regular file is in the place of a file of a run folder.

    Readers of the folder handle it as DamagedRun, writers as OSError.
    """


def open_file(path: Path, mode: str = "rb", *, below: Path | None = None, **how: Any) -> IO[Any]:
    """Open a file of a run folder as `open` does; `how` are `open`'s other arguments.

    Links between `below` and the file aren't followed; without `below` the file is directly in its
    run folder. Raises NotRegularFile, and OSError as `open` does.
    """

    def opener(_: str, flags: int) -> int:
        return open_descriptor(path, flags, below=below)

    return open(path, mode, opener=opener, **how)


def open_descriptor(path: Path, flags: int, *, below: Path | None = None) -> int:
    """Open a file of a run folder as `os.open` does, with the checks of `open_file`."""
    if flags & os.O_TRUNC:
        raise ValueError("a file of a run folder is replaced, never emptied: use replace_file")
    descriptor = _open_checked(path, flags, below)
    if flags & (os.O_WRONLY | os.O_RDWR) and os.fstat(descriptor).st_nlink > 1:
        os.close(descriptor)
        _replace_by_copy(path, below)
        descriptor = _open_checked(path, flags, below)
    return descriptor


def open_log(log: Path | None) -> int:
    """Return a descriptor that appends to log.txt; to nothing where it can't be opened."""
    if log is not None:
        with suppress(OSError):  # the disk is full, the run folder gone, or this is no regular file
            return open_descriptor(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    return os.open(os.devnull, os.O_WRONLY)


def read_file(path: Path, largest: int, *, below: Path | None = None) -> bytes:
    """The content of a file of at most `largest` bytes. Raises DamagedRun and OSError."""
    with open_file(path, below=below) as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise DamagedRun(f"{path} is larger than a file of its kind can be: it is damaged")
    return content


def is_there(path: Path) -> bool:
    """Whether anything has this path, even a broken link."""
    return os.path.lexists(path)


def refuse_irregular(path: Path) -> None:
    """Raise NotRegularFile if anything but a regular file has this path in the run folder."""
    _refuse_other_kinds(path.parent, (path.name,))


def _open_checked(path: Path, flags: int, below: Path | None) -> int:
    folder = path.parent if below is None else below
    parts = path.relative_to(folder).parts
    try:
        descriptor = _open_below(folder, parts, flags | _SAFE)
    except OSError as error:
        _refuse_other_kinds(folder, parts, error)
        raise
    kind = _kind(os.fstat(descriptor).st_mode)
    if kind:
        os.close(descriptor)
        raise _refused(path, kind)
    return descriptor


def _open_below(folder: Path, parts: Sequence[str], flags: int) -> int:
    """Open the file with these `parts` of a path below `folder`, without following a link."""
    if len(parts) == 1 or os.open not in os.supports_dir_fd:
        return os.open(folder.joinpath(*parts), flags, 0o666)
    if ".." in parts:
        raise FileNotFoundError(f"{PurePosixPath(*parts)} is not below {folder}")
    within = os.open(folder, _FOLDER & ~getattr(os, "O_NOFOLLOW", 0))
    try:
        for part in parts[:-1]:
            inner = os.open(part, _FOLDER, dir_fd=within)
            os.close(within)
            within = inner
        return os.open(parts[-1], flags, 0o666, dir_fd=within)
    finally:
        os.close(within)


def _refuse_other_kinds(folder: Path, parts: Sequence[str], error: OSError | None = None) -> None:
    """Raise NotRegularFile, because of `error`, if the file or a folder above it isn't regular."""
    for end in range(1, len(parts) + 1):
        path = folder.joinpath(*parts[:end])
        try:
            mode = path.lstat().st_mode
        except OSError:
            return
        is_on_the_way = end < len(parts) and stat.S_ISDIR(mode)
        if _kind(mode) and not is_on_the_way:
            raise _refused(path, _kind(mode)) from error


def _kind(mode: int) -> str:
    """The kind of a file with this mode; empty for a regular file."""
    if stat.S_ISREG(mode):
        return ""
    return next((kind for is_kind, kind in _KINDS if is_kind(mode)), "no file")


def _refused(path: Path, kind: str) -> NotRegularFile:
    return NotRegularFile(
        f"{path} is {kind}, not a regular file: tutorch opens only regular files in a run folder"
    )


def _replace_by_copy(path: Path, below: Path | None) -> None:
    """Replace a file that has other names too by a copy."""
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}.tmp")
    try:
        with (
            open_file(path, below=below) as shared,
            open_file(temporary, "xb", below=below) as copy,
        ):
            shutil.copyfileobj(shared, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
