"""Locates a data set's files: in the user's `--data-dir`, in the cache, or fetched into it.

`disk.py` finds them, `download.py` fetches them, pooch manages the cache.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from datasets.dataset import DataDamaged, Dataset, DataUnavailable, RemoteFile
from datasets.fetching.disk import (
    cache_dir,
    damage_error,
    find,
    free_space_note,
    has_checksum,
    intact,
    on_disk,
    record_checksum,
    verify,
)
from datasets.fetching.download import Download, NoMirrorWorked, host
from datasets.fetching.transfer import POLL_SECONDS
from datasets.reading.progress import Progress, ProgressReporter

__all__ = ["cache_dir", "find", "locate", "verify"]


def locate(
    dataset: Dataset, data_dir: Path | None, reporter: ProgressReporter
) -> Mapping[str, Path]:
    """The paths of the files of `dataset` by name. Fetches those that aren't on disk.

    Raises DataDamaged for a user's file with the wrong content, DataUnavailable when no mirror
    delivers a file, and LoadingStopped once a stop is requested.
    """
    if data_dir is not None and not data_dir.is_dir():
        raise DataUnavailable(
            f"{data_dir} is not a folder: --data-dir names the folder of the data."
        )
    here = find(dataset, data_dir)
    failures = []
    for files in (dataset.files, *dataset.alternatives):
        if here is None and files != dataset.files and not all(file.urls for file in files):
            continue  # the user has to put it in place, and didn't
        if here is not None and set(here) != {file.name for file in files}:
            continue  # the files of another alternative are complete on disk
        try:
            requests = [_FileRequest(file, dataset, reporter) for file in files]
            return {request.file.name: request.path(data_dir) for request in requests}
        except DataUnavailable as failure:
            failures.append(str(failure))
    raise DataUnavailable("\n".join([*failures, *_by_hand(dataset)]))


def _by_hand(dataset: Dataset) -> Iterator[str]:
    for files in dataset.alternatives:
        if not any(file.urls for file in files):
            names = ", ".join(file.name for file in files)
            yield f"In a folder called {dataset.folder_names[0]}, {names} will do as well."


@dataclass(frozen=True)
class _FileRequest:
    """One file of a data set that has to be on disk."""

    file: RemoteFile
    dataset: Dataset
    reporter: ProgressReporter

    @property
    def folder(self) -> Path:
        return cache_dir() / self.dataset.folder_names[0]

    @property
    def _part(self) -> Path:
        """The bytes received so far; an interrupted download continues from them."""
        return self.folder / f"{self.file.name}.part"

    def path(self, data_dir: Path | None) -> Path:
        """Where the file is, fetched if it isn't on disk."""
        path = on_disk(self.file, self.dataset, data_dir, cache_dir())
        if path is not None and intact(self.file, path, self.reporter):
            return path
        if path is not None and not (self.file.urls and path.is_relative_to(cache_dir())):
            raise damage_error(self.file, path)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._locked():
                return self._fetch()
        except OSError as error:
            with suppress(OSError):
                self._part.unlink(missing_ok=True)  # else the disk stays full
            raise DataUnavailable(
                f"{self.file.name} can't be written to {self.folder} ({error.strerror or error}"
                f"{free_space_note(self.folder, self.file.size)}). Free some space there, or name "
                "another folder with TUTORCH_CACHE_DIR."
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the file's lock, so that two processes don't write the same partial file."""
        import filelock

        lock = filelock.FileLock(self.folder / f"{self.file.name}.lock")
        waiting = Progress(
            action="waiting for another process that fetches",
            subject=self.file.name,
            done=0,
            total=self.file.size,
            rate=0.0,
            seconds_left=None,
        )
        while not lock.is_locked:
            self.reporter.check()
            try:
                lock.acquire(timeout=POLL_SECONDS)
            except filelock.Timeout:
                self.reporter.on_progress(waiting)
        try:
            yield
        finally:
            lock.release()

    def _fetch(self) -> Path:
        import pooch

        there = self.folder / self.file.name
        if there.exists() and not intact(self.file, there, self.reporter):
            there.unlink()
        pooch.get_logger().setLevel("WARNING")  # below it, pooch prints what is reported here
        path = pooch.retrieve(
            url=self.file.name,  # pooch accepts one URL; `_download` tries them all
            known_hash=self.file.checksum,
            fname=self.file.name,
            path=self.folder,
            downloader=self._download,  # pyright: ignore[reportArgumentType] its names are wrong
        )
        if self.file.checksum is None:
            record_checksum(Path(path))
        return Path(path)

    def _download(self, url: str, output: str, _: object) -> None:
        """Fetch the file to `output`; pooch compares its checksum and renames it."""
        download = Download(self.file, self._part, self._is_expected, self.reporter)
        try:
            download.run(self._urls())
        except NoMirrorWorked as failure:
            raise DataUnavailable(self._unavailable(failure.reasons)) from failure
        self._part.replace(output)

    def _is_expected(self, path: Path) -> bool:
        if self.file.checksum is not None:
            return has_checksum(path, self.file.checksum, self.reporter)
        try:
            self.file.check(path)
        except DataDamaged:
            return False
        return True

    def _urls(self) -> list[str]:
        own = os.environ.get("TUTORCH_MIRROR", "").rstrip("/")
        mirror = [f"{own}/{self.dataset.folder_names[0]}/{self.file.name}"] if own else []
        return mirror + list(self.file.urls)

    def _unavailable(self, reasons: Mapping[str, str]) -> str:
        tried = "\n".join(f"  {_public(url)}: {reason}" for url, reason in reasons.items())
        folder = self.dataset.folder_names[0]
        return (
            f"{self.file.name} ({self.dataset.title}) could not be fetched:\n"
            f"{tried or '  no mirror serves it without a login'}\n"
            "To put it there by hand, fetch it on any machine and save it as\n"
            f"  {self.folder / self.file.name}\n"
            f"or as {folder}/{self.file.name} in a folder named with --data-dir."
        )


def _public(url: str) -> str:
    """`url` without the password that the user's own mirror may need."""
    parts = urlsplit(url)
    return parts._replace(netloc=host(url), query="").geturl() if "@" in parts.netloc else url
