"""Downloads one file over an unreliable connection.

The mirrors are tried in turn. The bytes received stay in a partial file, and the next attempt, at
this mirror or another, continues it. Only a file that passes its check is delivered. A mirror that
is too slow is given up for the next one; the fastest of the slow ones is the last resort.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from datasets.dataset import RemoteFile
from datasets.fetching.transfer import MirrorFailed, RangeRefused, ResponseStart, transfer
from datasets.reading.progress import REPORT_SECONDS, Progress, ProgressReporter

SLOW_BYTES_PER_SECOND = 20_000
"""A mirror below this rate, over `SLOW_SECONDS`, is given up for the next one."""

SLOW_SECONDS = 10.0
"""The time over which a rate is measured."""

ATTEMPTS = 5
"""How often one mirror may break off after sending some bytes before the next one is tried."""


class NoMirrorWorked(Exception):
    """No mirror delivered the file; `reasons` has the reason for each URL."""

    def __init__(self, reasons: dict[str, str]) -> None:
        super().__init__("; ".join(f"{host(url)}: {reason}" for url, reason in reasons.items()))
        self.reasons = reasons


class _TooSlow(MirrorFailed):
    def __init__(self, rate: float) -> None:
        super().__init__(f"only {rate / 1000:.1f} kB/s" if rate else "sent nothing")
        self.rate = rate


class _WrongBytes(MirrorFailed):
    pass


@dataclass(frozen=True)
class Download:
    """The download of one file into `part`; `intact` checks whether a file is the expected one."""

    file: RemoteFile
    part: Path
    intact: Callable[[Path], bool]
    reporter: ProgressReporter

    def run(self, urls: Sequence[str]) -> None:
        """Fetch from the first of `urls` that delivers the file; then `part` is the whole file.

        Raises NoMirrorWorked, LoadingStopped, and OSError when the disk can't be written.
        """
        failures: dict[str, str] = {}
        slow: dict[str, float] = {}
        for number, url in enumerate(urls, start=1):
            attempt = f"mirror {number} of {len(urls)}"
            if failures:
                last = list(failures)[-1]
                attempt += f" ({host(last)}: {failures[last]})"
            try:
                patience = SLOW_BYTES_PER_SECOND if len(urls) > 1 else 0
                return self._fetch(url, patience, attempt)
            except _TooSlow as failure:
                failures[url] = str(failure)
                slow[url] = failure.rate
            except MirrorFailed as failure:
                failures[url] = str(failure)
        for url in sorted((url for url in slow if slow[url]), key=slow.__getitem__, reverse=True):
            try:
                return self._fetch(url, 0, "the fastest of the slow mirrors")
            except MirrorFailed as failure:
                failures[url] = str(failure)
        raise NoMirrorWorked(failures)

    def _fetch(self, url: str, slowest: float, attempt: str) -> None:
        """Fetch from `url`; continue as long as each attempt brings more bytes."""
        for _ in range(ATTEMPTS):
            before = self._size()
            try:
                return self._fetch_once(url, slowest, attempt)
            except (_WrongBytes, RangeRefused):
                self.part.unlink(missing_ok=True)
                if not before:
                    raise  # else the bytes that were here before may be wrong
            except _TooSlow:
                raise
            except MirrorFailed:
                if self._size() <= before:
                    raise
        raise MirrorFailed(f"broke off {ATTEMPTS} times")

    def _fetch_once(self, url: str, slowest: float, attempt: str) -> None:
        if self.file.checksum is None:
            self.part.unlink(missing_ok=True)  # two mirrors may hold two versions of it
        before = self._size()
        meter = _Meter(self, host(url), attempt, before)
        failure: MirrorFailed | None = None
        try:
            self._receive(url, before, meter, slowest)
        except MirrorFailed as error:
            failure = error
        finished = failure is None or self.file.checksum is not None
        if not (finished and self._size() and self.intact(self.part)):
            raise self._failure(failure, meter.announced, before)
        meter.report()

    def _receive(self, url: str, offset: int, meter: _Meter, slowest: float) -> None:
        self.part.touch()
        with closing(transfer(url, offset)) as arriving, self.part.open("r+b") as part:
            for item in arriving:
                self.reporter.check()
                if isinstance(item, ResponseStart):
                    if item.offset > offset:
                        raise MirrorFailed("sent a different part than was requested")
                    part.truncate(item.offset)
                    part.seek(item.offset)
                    meter.begin(item)
                elif item is not None:
                    part.write(item)
                    meter.add(len(item))
                meter.check_rate(slowest)

    def _failure(
        self, failure: MirrorFailed | None, total: int | None, before: int
    ) -> MirrorFailed:
        """Why `part` isn't the file. Discards bytes that can't be its beginning."""
        size, wanted = self._size(), self.file.size
        if self.file.checksum is None:
            return failure or _WrongBytes("sent wrong bytes")
        if size >= wanted:
            return _WrongBytes("sent wrong bytes")
        if total not in (None, wanted):
            with self.part.open("r+b") as part:
                part.truncate(min(before, size))
            return MirrorFailed(f"has {total:,} bytes, but the file has {wanted:,}")
        return failure or MirrorFailed(f"ended after {size:,} of {wanted:,} bytes")

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0


class _Meter:
    """Counts the bytes of one attempt, reports progress, and raises _TooSlow."""

    def __init__(self, download: Download, mirror: str, attempt: str, received: int) -> None:
        self._download, self._mirror, self._attempt = download, mirror, attempt
        self._received = received
        self._marks = deque([(time.monotonic(), received)])
        self._reported = 0.0
        self.announced: int | None = None

    def begin(self, start: ResponseStart) -> None:
        self.announced = start.total
        self._received = start.offset
        self._marks = deque([(self._marks[0][0], start.offset)])

    def add(self, count: int) -> None:
        self._received += count
        if self._received > 2 * self._download.file.size + 2**20:
            raise _WrongBytes("sends bytes without end")

    def check_rate(self, slowest: float) -> None:
        """Report the progress when it is due. Raises _TooSlow below `slowest` bytes per second."""
        now = time.monotonic()
        if now - self._reported < REPORT_SECONDS:
            return
        self._marks.append((now, self._received))
        while now - self._marks[1][0] >= SLOW_SECONDS:
            self._marks.popleft()
        self.report()
        if now - self._marks[0][0] >= SLOW_SECONDS and self._rate() < slowest:
            raise _TooSlow(self._rate())

    def _rate(self) -> float:
        start, before = self._marks[0]
        return (self._received - before) / max(time.monotonic() - start, 1e-6)

    def report(self) -> None:
        self._reported = time.monotonic()
        rate, file = self._rate(), self._download.file
        total = file.size if file.checksum else self.announced or file.size
        self._download.reporter.on_progress(
            Progress(
                action="fetching",
                subject=file.name,
                done=self._received,
                total=total,
                rate=rate,
                seconds_left=max(0, total - self._received) / rate if rate else None,
                mirror=self._mirror,
                attempt=self._attempt,
            )
        )


def host(url: str) -> str:
    """The host of `url`, without a password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or url
