"""Opens text files, packed or plain, in the encodings that spreadsheets write.

The encoding is the one of the byte order mark; else UTF-8, if the whole file is valid UTF-8; else
GB18030 (which includes GBK and GB2312), if the whole file is valid and looks like Chinese. Text in
another encoding may be valid GB18030 by chance, and would be read as the wrong characters. Any
other file is refused, with the line and the byte that isn't UTF-8.

A file may be packed with gzip, or be in a ZIP archive with one file, or with one called train.csv.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TextIO, cast

from datasets.reading.data import DataDamaged
from datasets.reading.progress import NO_REPORTS, ProgressReporter

UTF_8 = "utf-8-sig"

#: Byte order marks and their encodings. UTF-32's come first: one begins with UTF-16's.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TITLES = {"utf-16": "UTF-16", "utf-32": "UTF-32", "gb18030": "GB18030 (GBK)"}

#: Two bytes of GB2312, which nearly all Chinese text consists of, and two of GBK.
_COMMON = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")
_PAIR = re.compile(rb"[\x81-\xfe][\x30-\xfe]")

_BLOCK = 2**20


@contextmanager
def open_text(path: Path, reporter: ProgressReporter = NO_REPORTS) -> Iterator[TextIO]:
    """Open a file as text. Raises DataDamaged when it can't be read."""
    try:
        encoding = encoding_of(path, reporter)
        with _unpacked(path) as file:
            text = io.TextIOWrapper(file, encoding=encoding, newline="")
            yield cast("TextIO", text)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise DataDamaged(f"{path} can't be read: {error}.") from error
    except csv.Error as error:
        raise DataDamaged(f"{path} can't be read as a table: {error}.") from error


def encoding_of(path: Path, reporter: ProgressReporter = NO_REPORTS) -> str:
    """The encoding of the text in `path`. Raises DataDamaged, OSError."""
    return _text(path, reporter)[0]


def text_size(path: Path, reporter: ProgressReporter = NO_REPORTS) -> int:
    """The size of the text in `path` in bytes, unpacked. Raises DataDamaged, OSError."""
    return _text(path, reporter)[1]


#: The encoding and the text size of recently opened files, by path, file size and time.
_recent: dict[tuple[Path, int, int], tuple[str, int]] = {}


def _text(path: Path, reporter: ProgressReporter) -> tuple[str, int]:
    stat = path.stat()
    key = (path.absolute(), stat.st_size, stat.st_mtime_ns)
    if key not in _recent:
        found = _examine(path, reporter)
        if len(_recent) > 100:
            _recent.clear()
        _recent[key] = found
    return _recent[key]


def encoding_note(path: Path) -> str:
    """A sentence that tells the user the encoding; empty for UTF-8."""
    title = _TITLES.get(encoding_of(path))
    return f"{path.name} is read as {title}" if title else ""


def begins_with(path: Path, beginning: bytes) -> bool:
    """Whether the file exists and its text, after any byte order mark, begins with `beginning`."""
    try:
        with _unpacked(path) as file:
            start = file.read(len(codecs.BOM_UTF8) + len(beginning))
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, DataDamaged):
        return False
    return start.removeprefix(codecs.BOM_UTF8).startswith(beginning)


@contextmanager
def _unpacked(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"PK\x03\x04":
        with zipfile.ZipFile(path) as archive, _opened_member(path, archive) as file:
            yield file
    else:
        with (gzip.open if start[:2] == b"\x1f\x8b" else open)(path, "rb") as file:
            yield cast("IO[bytes]", file)


def _opened_member(path: Path, archive: zipfile.ZipFile) -> IO[bytes]:
    try:
        return archive.open(_member(path, archive))
    except RuntimeError as error:  # it is encrypted, or packed as Python can't unpack
        raise DataDamaged(f"{path} can't be unpacked: {error}.") from error


def _member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    files = [
        entry
        for entry in archive.infolist()
        if not entry.is_dir() and not entry.filename.startswith("__MACOSX/")
    ]
    named = [entry for entry in files if PurePosixPath(entry.filename).name == "train.csv"]
    for entries in (files, named):
        if len(entries) == 1:
            return entries[0]
    raise DataDamaged(
        f"{path} has {len(files)} files, and none of them is called train.csv: unpack it, and name "
        "one of its files."
    )


def _examine(path: Path, reporter: ProgressReporter) -> tuple[str, int]:
    """The encoding and the size of the text."""
    utf_8, gb18030 = _EncodingTrial("utf-8"), _EncodingTrial("gb18030")
    length = pairs = common = 0
    marked = ""
    with _unpacked(path) as file:
        while block := file.read(_BLOCK):
            reporter.check()
            if not length:
                marked = next((e for mark, e in _BYTE_ORDER_MARKS if block.startswith(mark)), "")
            length += len(block)
            if marked:
                continue
            if b"\0" in block and utf_8.is_valid:
                raise DataDamaged(
                    f"{path}, line {utf_8.lines + block[: block.index(0)].count(10)} has a byte 0: "
                    "it isn't text, or it is UTF-16 without a byte order mark. Save it as UTF-8."
                )
            utf_8.feed(block)
            if not block.isascii():
                gb18030.feed(block)
                pairs += len(_PAIR.findall(block))
                common += len(_COMMON.findall(block))
    if marked:
        return marked, length
    utf_8.end()
    gb18030.end()
    if utf_8.is_valid:
        return UTF_8, length
    if gb18030.is_valid and common > pairs / 2:
        return "gb18030", length
    raise DataDamaged(
        f"{path}, line {utf_8.lines}: byte 0x{utf_8.byte:02X} isn't UTF-8, and the file isn't "
        "GB18030 (GBK) either. Save it as UTF-8."
    )


class _EncodingTrial:
    """Checks a text, block by block, for one encoding; keeps the place of the first wrong byte."""

    def __init__(self, encoding: str) -> None:
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self.is_valid, self.lines, self.byte = True, 1, 0

    def feed(self, block: bytes, *, is_last: bool = False) -> None:
        if not self.is_valid:
            return
        try:
            self._decoder.decode(block, is_last)
            self.lines += block.count(b"\n")
        except UnicodeDecodeError as error:
            self.is_valid = False
            self.lines += error.object[: error.start].count(b"\n")
            self.byte = error.object[error.start]

    def end(self) -> None:
        self.feed(b"", is_last=True)


def read_beginning(path: Path, size: int) -> bytes:
    """The first bytes of the text in `path`, unpacked. Raises DataDamaged, OSError."""
    try:
        with _unpacked(path) as file:
            return file.read(size)
    except (EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataDamaged(f"{path} can't be read: {error}.") from error
