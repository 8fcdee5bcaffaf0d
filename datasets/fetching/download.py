"""Getting one file over a bad link.

The mirrors are tried in turn. What has arrived stays in a partial file, which the next attempt, at
this mirror or another, takes up; only a file that passed its check leaves here. A mirror that is
too slow is left for the next, and the fastest of the slow ones is the last resort.
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
"""A mirror below this rate, over `SLOW_SECONDS`, is left for the next."""

SLOW_SECONDS = 10.0
"""The time over which a rate is measured."""

ATTEMPTS = 5
"""How often one mirror may break off, each time after some bytes, before the next is tried."""


class NoMirrorWorked(Exception):
    """No mirror gave the file; `reasons` says by URL why."""

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
    """One file to be fetched into `part`; `intact` tells whether a file is what was wanted."""

    file: RemoteFile
    part: Path
    intact: Callable[[Path], bool]
    reporter: ProgressReporter

    def run(self, urls: Sequence[str]) -> None:
        """Fetch from the first of `urls` that gives the file; then `part` is the whole file.

        Raises NoMirrorWorked, LoadingStopped, and OSError when the disk doesn't take the bytes.
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
                return self._insist(url, patience, attempt)
            except _TooSlow as failure:
                failures[url] = str(failure)
                slow[url] = failure.rate
            except MirrorFailed as failure:
                failures[url] = str(failure)
        for url in sorted((url for url in slow if slow[url]), key=slow.__getitem__, reverse=True):
            try:
                return self._insist(url, 0, "the fastest of the slow mirrors")
            except MirrorFailed as failure:
                failures[url] = str(failure)
        raise NoMirrorWorked(failures)

    def _insist(self, url: str, slowest: float, attempt: str) -> None:
        """Fetch from `url`, taken up again as long as each attempt brings further bytes."""
        for _ in range(ATTEMPTS):
            before = self._size()
            try:
                return self._once(url, slowest, attempt)
            except (_WrongBytes, RangeRefused):
                self.part.unlink(missing_ok=True)
                if not before:
                    raise  # else what was here before, another mirror's perhaps, may be to blame
            except _TooSlow:
                raise
            except MirrorFailed:
                if self._size() <= before:
                    raise
        raise MirrorFailed(f"broke off {ATTEMPTS} times")

    def _once(self, url: str, slowest: float, attempt: str) -> None:
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
            raise self._verdict(failure, meter.announced, before)
        meter.report()

    def _receive(self, url: str, offset: int, meter: _Meter, slowest: float) -> None:
        self.part.touch()
        with closing(transfer(url, offset)) as arriving, self.part.open("r+b") as part:
            for item in arriving:
                self.reporter.check()
                if isinstance(item, ResponseStart):
                    if item.offset > offset:
                        raise MirrorFailed("sent another part than was asked for")
                    part.truncate(item.offset)
                    part.seek(item.offset)
                    meter.begin(item)
                elif item is not None:
                    part.write(item)
                    meter.add(len(item))
                meter.check_rate(slowest)

    def _verdict(
        self, failure: MirrorFailed | None, total: int | None, before: int
    ) -> MirrorFailed:
        """Why `part` is not the file; bytes that can't be its beginning are thrown away."""
        size, wanted = self._size(), self.file.size
        if self.file.checksum is None:
            return failure or _WrongBytes("sent wrong bytes")
        if size >= wanted:
            return _WrongBytes("sent wrong bytes")
        if total not in (None, wanted):
            with self.part.open("r+b") as part:
                part.truncate(min(before, size))
            return MirrorFailed(f"has {total:,} bytes where the file has {wanted:,}")
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
        """Report now and then. Raises _TooSlow below `slowest` bytes per second."""
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
    """The name of the mirror that `url` lies on, without a password in it."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or url
