"""Finds a data set's files on disk, in the user's `--data-dir` or in the cache, and checks them.

The user's folder is read as it is and never written to. A file there belongs to the data set when
its folder has the data set's name (`MNIST/raw/x`, `fashion_mnist/x`, packed or unpacked), when it
has the published checksum, or when it begins as no other file of its name does.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from datasets.dataset import DataDamaged, Dataset, DataUnavailable, RemoteFile
from datasets.reading.paths import user_path
from datasets.reading.progress import NO_REPORTS, ProgressReporter
from datasets.reading.text_files import begins_with

_BLOCK = 1 << 20


def cache_dir() -> Path:
    """Where fetched files are kept: $TUTORCH_CACHE_DIR, else `tutorch` in the system's cache."""
    if folder := os.environ.get("TUTORCH_CACHE_DIR"):
        return user_path(folder).absolute()
    import platformdirs

    return platformdirs.user_cache_path("tutorch", appauthor=False)


def free_space_note(folder: Path, size: int) -> str:
    """`: 2.5 GB are needed, 120 MB are free`, to append to a disk error; empty if unknown."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ""
    return f": {_bytes(size)} are needed, {_bytes(free)} are free" if size else ""


def _bytes(count: int) -> str:
    return f"{count / 1e9:.3g} GB" if count >= 1e9 else f"{count / 1e6:.3g} MB"


def find(dataset: Dataset, data_dir: Path | None = None) -> dict[str, Path] | None:
    """The paths of the files that `dataset` would be read from, by name; None if any is missing.

    Compares names only, so that listing all data sets is quick; {} for a data set without files.
    """
    here = find_in(dataset, data_dir)  # the user's folder comes first
    return here if here is not None else find_in(dataset, data_dir, cache_dir())


def find_in(dataset: Dataset, *roots: Path | None) -> dict[str, Path] | None:
    """Like `find`, but only in the folders `roots`."""
    for files in (dataset.files, *dataset.alternatives):
        paths = {file.name: on_disk(file, dataset, *roots) for file in files}
        if None not in paths.values():
            return {name: path for name, path in paths.items() if path}
    return None


def verify(
    dataset: Dataset, data_dir: Path | None = None, reporter: ProgressReporter = NO_REPORTS
) -> list[str]:
    """The problems with the files of `dataset` on disk, a sentence each; [] when there are none.

    Compares the checksums, then reads the data set as training would.
    """
    paths = find(dataset, data_dir) or {}
    files = [file for way in (dataset.files, *dataset.alternatives) for file in way]
    pairs = [(file, paths[file.name]) for file in files if file.name in paths]
    wrong = [
        str(damage_error(file, path)) for file, path in pairs if not intact(file, path, reporter)
    ]
    if (paths or dataset.is_users) and not wrong:
        try:
            dataset.read(paths, reporter)
        except DataDamaged as error:
            wrong.append(str(error))
    return wrong


def on_disk(file: RemoteFile, dataset: Dataset, *roots: Path | None) -> Path | None:
    """The path of `file`, found by its name below the first of the folders `roots` that has it.

    Raises DataUnavailable for a folder without read permission.
    """
    for root in roots:
        try:
            if root is not None and root.is_dir():
                for path in _places(file, dataset, root):
                    if path.is_file():
                        return path
        except PermissionError as error:
            raise DataUnavailable(f"{root} can't be read: {error}.") from error
    return None


def _places(file: RemoteFile, dataset: Dataset, root: Path) -> Iterator[Path]:
    wanted = {_plain(name) for name in dataset.folder_names}
    if wanted & {_plain(root.name), _plain(root.parent.name)}:
        yield from (root / name for name in (file.name, *file.aliases))
    for folder in sorted(root.iterdir()):
        if _plain(folder.name) in wanted:
            yield from (folder / name for name in (file.name, *file.aliases))
    if file.checksum:
        yield root / file.name
    if file.beginning:
        named = [root / name for name in (file.name, *file.aliases)]
        yield from (path for path in named if begins_with(path, file.beginning))


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def intact(file: RemoteFile, path: Path, reporter: ProgressReporter = NO_REPORTS) -> bool:
    """Whether a file has its checksum; true where none is known, as for unpacked files."""
    checksum = file.checksum or _recorded(path)
    if path.name != file.name or checksum is None:
        return True
    return has_checksum(path, checksum, reporter)


def has_checksum(path: Path, checksum: str, reporter: ProgressReporter = NO_REPORTS) -> bool:
    """Whether the content of `path` has `checksum`, such as `md5:...`."""
    algorithm, _, expected = checksum.partition(":")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        while block := file.read(_BLOCK):
            reporter.advance(file.tell(), size, path.name, action="checking", unit="bytes")
            digest.update(block)
    return digest.hexdigest() == expected


def damage_error(file: RemoteFile, path: Path) -> DataDamaged:
    """The error for a file that isn't `intact`."""
    return DataDamaged(
        f"{path} is damaged, or a different file of that name: its checksum is not "
        f"{file.checksum or _recorded(path)}. Replace or remove it, or name another folder with "
        "--data-dir."
    )


def record_checksum(path: Path) -> None:
    """Write the sha256 of a fetched file without a published checksum beside it."""
    import pooch

    _record(path).write_text(f"{pooch.file_hash(str(path))}  {path.name}\n", encoding="utf-8")


def _recorded(path: Path) -> str | None:
    record = _record(path)
    words = record.read_text(encoding="utf-8").split() if record.is_file() else []
    return f"sha256:{words[0]}" if words else None


def _record(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")
