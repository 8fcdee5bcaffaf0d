"""Refuses checkpoint files that would take more memory than they have bytes.

`torch.save` writes a zip archive whose members are stored, never compressed. A compressed member,
members that share their bytes, or a tensor that is larger than what is stored for it turn a small
file into gigabytes of memory. The archive is checked before torch reads it, and the tensors after:
until they are copied, they take no more memory than was read.
"""

from __future__ import annotations

import os
import pickletools
import re
import struct
import zipfile
from collections.abc import Iterator
from typing import IO, Any

import torch
from torch import Tensor

#: Marks an entry of an archive as a folder. torch then reads nothing and leaves the tensor
#: uninitialised.
_FOLDER = 0x10

#: The end of an archive: its last record, preceded in large archives by a locator of another one.
_END, _LOCATOR = struct.Struct("<4s18s"), struct.Struct("<4sLQL")
_END_64_SIZE = 56

#: The one call that `weights_only` allows and that allocates memory by a number alone.
_ALLOCATION = re.compile(rb"c(__builtin__|builtins)\nbytearray\n")

#: The modules whose calls `weights_only` allows although they copy a value, and the bytes that all
#: such calls together may copy.
_COPYING_MODULES = ("__builtin__", "builtins", "_codecs")
_COPYING = re.compile(f"c({'|'.join(_COPYING_MODULES)})\n".encode())
_MOST_COPIED = 1 << 23


class InvalidArchive(Exception):
    """The file wasn't saved by torch. The text says what is wrong with it."""


def check_archive(file: IO[bytes]) -> None:
    """Check the whole archive and its checksums. Raises InvalidArchive, and what zipfile does."""
    size = os.fstat(file.fileno()).st_size
    with zipfile.ZipFile(file) as archive:
        _check_end(file, size)
        members = archive.infolist()
        for member in members:
            if member.compress_type != zipfile.ZIP_STORED:
                raise InvalidArchive(f"{member.filename!r} in it is compressed")
            if member.external_attr & _FOLDER:
                raise InvalidArchive(f"{member.filename!r} in it isn't a file")
            # torch ignores the case of a member's name, and would load it once for each spelling.
            _, is_storage, name = member.filename.rpartition("/data/")
            if is_storage and not name.isdecimal():
                raise InvalidArchive(f"{member.filename!r} in it isn't a name that torch gives")
        if sum(member.file_size for member in members) > size:
            raise InvalidArchive("its members are larger than the file")
        damaged = archive.testzip()
        if damaged is not None:
            raise InvalidArchive(f"the checksum of {damaged!r} in it is wrong")
        for member in members:
            if member.filename.endswith("/data.pkl"):
                _check_calls(archive.read(member))


def _check_calls(pickled: bytes) -> None:
    """Refuse a pickle whose calls could allocate far more memory than it has bytes.

    torch writes tensors with calls of torch and collections only, which can't. A set, or a text
    that is encoded again, can be built from the same value many times.
    """
    if _ALLOCATION.search(pickled) or _copies(pickled) * len(pickled) > _MOST_COPIED:
        raise InvalidArchive("it allocates memory besides its tensors")


def _copies(pickled: bytes) -> int:
    """Count the uses of calls that copy a value, by name or from the memo."""
    if not _COPYING.search(pickled):
        return 0
    uses, memo, is_copying = 0, set[Any](), False
    for opcode, argument, _ in pickletools.genops(pickled):
        if opcode.name == "GLOBAL":
            is_copying = str(argument).partition(" ")[0] in _COPYING_MODULES
            uses += is_copying
        elif opcode.name.endswith("BINGET"):
            is_copying = argument in memo
            uses += is_copying
        elif opcode.name.endswith("BINPUT") and is_copying:
            memo.add(argument)
        else:
            is_copying = False
    return uses


def _check_end(file: IO[bytes], size: int) -> None:
    """Refuse an archive in which torch could find other members than zipfile does."""
    tail = _END.size + _LOCATOR.size
    file.seek(max(0, size - tail))
    end = file.read(tail)
    if len(end) < tail:
        return  # too short for any member
    locator, _, where, _ = _LOCATOR.unpack_from(end)
    signature, rest = _END.unpack_from(end, _LOCATOR.size)
    is_elsewhere = locator == b"PK\x06\x07" and where != size - tail - _END_64_SIZE
    if signature != b"PK\x05\x06" or rest[-2:] != b"\0\0" or is_elsewhere:
        raise InvalidArchive("it doesn't end as torch ends an archive")


def check_tensors(content: Any, size: int) -> None:
    """Refuse tensors larger than a file of `size` bytes can hold. Raises InvalidArchive."""
    storages: dict[int, int] = {}
    for tensor in _tensors(content):
        if tensor.device.type != "cpu":
            raise InvalidArchive(
                f"a tensor in it has no values: it is on the device {tensor.device}"
            )
        if tensor.layout is not torch.strided:
            continue
        storage = tensor.untyped_storage()
        if tensor.numel() * tensor.element_size() > storage.nbytes():
            raise InvalidArchive("a tensor in it has more elements than are stored for it")
        storages[storage.data_ptr()] = storage.nbytes()
    if sum(storages.values()) > size:
        raise InvalidArchive("its tensors are larger than the file")


def _tensors(content: Any) -> Iterator[Tensor]:
    """Every tensor in dicts, lists and tuples, each container once even if it occurs repeatedly."""
    pending, seen = [content], set[int]()
    while pending:
        value = pending.pop()
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, dict | list | tuple | set) and id(value) not in seen:
            seen.add(id(value))
            pending += value.values() if isinstance(value, dict) else value
