"""Reads a user's lecture file and the local modules that it imports, without running them.

The imports are read from the syntax tree. A digest of all bytes shows whether any file changed.
"""

from __future__ import annotations

import ast
import errno
import hashlib
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import decode_source
from pathlib import Path, PurePosixPath

from models.user_files.owners import owners_of, uid_of
from models.user_files.parsing import parse

#: Top-level modules that a file beside the lecture never replaces: tutorch's packages, the packages
#: that these import, and the standard library.
RESERVED = frozenset(sys.stdlib_module_names) | {
    *("models", "datasets", "tui_app"),
    *("torch", "torchvision", "numpy", "sklearn", "PIL", "rich", "textual", "textual_plotext"),
    *("plotext", "psutil", "tyro", "docstring_parser", "pooch", "requests", "platformdirs"),
    *("filelock", "pynvml"),
}

#: The largest total size of a lecture's files in bytes, and the most files it may have.
LARGEST, MOST_FILES = 8 << 20, 500


class SourceTooLarge(Exception):
    """A lecture's files are too large, or too many, to keep a copy in each run."""


@dataclass(frozen=True)
class Source:
    """The bytes of a user's lecture file and of the local modules that it imports.

    `files` has them by name relative to `folder`, with `/` between folders; `main` is the name of
    the lecture's own file. `owners` are the users who own the files and their folders.
    """

    folder: Path
    main: str
    files: Mapping[str, bytes]
    owners: frozenset[int] = field(compare=False)

    @property
    def path(self) -> Path:
        """The lecture's own file."""
        return self.folder / self.main

    @property
    def text(self) -> str:
        """The lecture's own file as text. Raises SyntaxError for bytes that aren't text."""
        return self.text_of(self.main)

    def text_of(self, name: str) -> str:
        """A file as text. Raises SyntaxError or UnicodeDecodeError for bytes that aren't text."""
        return decode_source(self.files[name])

    @cached_property
    def digests(self) -> dict[str, str]:
        """The sha256 of each file, in hex."""
        return {name: hashlib.sha256(data).hexdigest() for name, data in self.files.items()}

    @cached_property
    def digest(self) -> str:
        """One sha256 of all files: of a line with the lecture's file name, then a line
        `<sha256>  <name>` for each file, sorted by name.
        """
        lines = [f"{sha256}  {name}\n" for name, sha256 in sorted(self.digests.items())]
        text = "".join([f"{self.main}\n", *lines])
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def read_source(path: Path) -> Source:
    """Read the lecture file at `path` and the local modules that it imports. Runs none of them.

    A file with a syntax error is read too, but its imports are not. Raises OSError and
    SourceTooLarge.
    """
    path = path.absolute()
    files: dict[str, bytes] = {}
    owners: set[int] = set()
    room, pending = LARGEST, [path.name]
    while pending:
        name = pending.pop()
        if name in files:
            continue
        files[name], owner = _read(path.parent / name, room + 1)
        owners.add(owner)
        room -= len(files[name])
        if room < 0 or len(files) > MOST_FILES:
            raise SourceTooLarge(
                f"{path} and the local modules that it imports are more than "
                f"{LARGEST >> 20} MiB or {MOST_FILES} files: every run keeps a copy of them, so "
                "put data into files that the code reads"
            )
        pending += _imported(path.parent, name, files[name])
    owners |= owners_of(path.parent, files)
    return Source(path.parent, path.name, dict(sorted(files.items())), frozenset(owners))


def _read(path: Path, limit: int) -> tuple[bytes, int]:
    """At most `limit` bytes of a file, and its owner. Raises OSError, also for a pipe or a device,
    because opening one may block for ever.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(limit), uid_of(status)
    finally:
        os.close(descriptor)


def _imported(folder: Path, name: str, data: bytes) -> Iterator[str]:
    """The names of the local files that the file `name` imports, anywhere in its code."""
    try:
        tree = parse(data, str(folder / name))  # a warning names the file
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # importing it will report the error
    package = PurePosixPath(name).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files(folder, tuple(alias.name.split(".")))
        elif isinstance(node, ast.ImportFrom):
            yield from _imported_from(folder, package, node)


def _imported_from(folder: Path, package: tuple[str, ...], node: ast.ImportFrom) -> Iterator[str]:
    module = tuple(node.module.split(".")) if node.module else ()
    if node.level > len(package) + 1:
        return  # outside the lecture's folder
    if node.level:
        module = package[: len(package) + 1 - node.level] + module
    for alias in node.names:
        if alias.name == "*":  # a package's __all__ may name any module in it
            inside = folder.joinpath(*module)
            names = sorted(path.stem for path in inside.glob("*.py")) if module else []
        else:
            names = [alias.name]
        for each in names or [""]:
            parts = (*module, each) if each else module
            yield from _files(folder, parts, is_relative=node.level > 0)


def _files(folder: Path, parts: tuple[str, ...], *, is_relative: bool = False) -> Iterator[str]:
    """The files that importing the module `parts` runs: those of its packages and its own."""
    if not parts or (parts[0] in RESERVED and not is_relative):
        return
    for end in range(1, len(parts) + 1):
        name = "/".join(parts[:end])
        found = [f"{name}/__init__.py", f"{name}.py"]
        file = next((each for each in found if (folder / each).is_file()), None)
        if file is not None:
            yield file
        elif not (folder / name).is_dir():  # a folder without __init__.py is a package too
            return


def import_hint(error: ImportError, source: Source) -> str:
    """What to change when an import doesn't find the file beside the lecture; empty if no file."""
    top = (error.name or "").partition(".")[0]
    file = f"{top}.py"
    if not top or file in source.files or not (source.folder / file).is_file():
        return ""
    if top in RESERVED:
        return f"Rename your {file}: the name {top} always means the installed package."
    return f"{file} is beside it: import it with an import statement, so that each run keeps it."
