"""An archive is read in memory: whatever the names of its members, no file is written."""

from __future__ import annotations

import io
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datasets import cifar10, get_dataset
from datasets.dataset import DataDamaged
from datasets.fetching import archives
from datasets.fetching.archives import read_members
from datasets.fetching.disk import verify
from datasets.reading.progress import LoadingStopped, ProgressReporter
from tests.program import tutorch

CONTENT = b"\x01" * 100


def packed(path: Path, *names: str, link: str = "", kind: bytes = tarfile.REGTYPE) -> Path:
    """An archive with members of these names, or links to `link`."""
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, link
            member.size = len(CONTENT) if kind == tarfile.REGTYPE else 0
            archive.addfile(member, io.BytesIO(CONTENT) if member.size else None)
    return path


@pytest.mark.parametrize(
    "name",
    ["../out.bin", "/{outside}/out.bin", "a/../../../out.bin", "a\\..\\out.bin", "~/out.bin"],
)
def test_member_names_cant_write_outside_the_archive(tmp_path: Path, name: str):
    place, outside = tmp_path / "a" / "b", tmp_path / "outside"
    place.mkdir(parents=True)
    outside.mkdir()
    archive = packed(place / "data.tar.gz", name.format(outside=outside))
    before = sorted(tmp_path.rglob("*"))
    (content,) = read_members(archive).values()
    assert content == CONTENT
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_links_and_devices_are_skipped(tmp_path: Path, kind: bytes):
    secret = tmp_path / "secret"
    secret.write_text("a secret")
    archive = packed(tmp_path / "data.tar.gz", "data_batch_1.bin", link=str(secret), kind=kind)
    assert read_members(archive) == {}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [cut, spoil, lambda path: path.write_bytes(b"")])
def test_an_archive_that_is_damaged_is_named(tmp_path: Path, damage: Callable[[Path], object]):
    archive = packed(tmp_path / "data.tar.gz", *(f"data_batch_{number}.bin" for number in range(9)))
    damage(archive)
    with pytest.raises(DataDamaged, match=r"data\.tar\.gz"):
        read_members(archive)


def test_an_archive_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(archives, "_LARGEST", 250)
    assert len(read_members(packed(tmp_path / "two.tar.gz", "a", "b"))) == 2
    with pytest.raises(DataDamaged, match="more than 250 bytes"):
        read_members(packed(tmp_path / "three.tar.gz", "a", "b", "c"))


def test_unpacking_stops(tmp_path: Path):
    archive = packed(tmp_path / "data.tar.gz", "a", "b")
    with pytest.raises(LoadingStopped):
        read_members(archive, ProgressReporter(stopped=lambda: True))


def test_verify_reads_the_data_besides_comparing_checksums(tmp_path: Path):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    images = np.zeros((2, 3072), np.uint8)
    for file in cifar10.UNPACKED:
        (folder / file.name).write_bytes(pickle.dumps({"labels": [1, 2], "data": images}, 0))
    ended = tutorch("data", "verify", "cifar10", "--data-dir", tmp_path)
    assert ended.exit_code == 0
    assert "intact" in ended.out
    (folder / "test_batch").write_bytes(pickle.dumps({"labels": [1], "data": images}, 0))
    ended = tutorch("data", "verify", "cifar10", "--data-dir", tmp_path)
    assert ended.exit_code == 3
    assert "damaged" in ended.out
    assert "test_batch has 1 labels for 2 images" in ended.err
    with pytest.raises(LoadingStopped):
        verify(get_dataset("cifar10"), tmp_path, ProgressReporter(stopped=lambda: True))


def test_verify_reads_the_users_images(tmp_path: Path):
    for letter in "ab":
        (tmp_path / letter).mkdir()
        Image.new("L", (8, 8), 7).save(tmp_path / letter / "0.png")
    assert "intact" in tutorch("data", "verify", f"folder:{tmp_path}").out
    path = tmp_path / "b" / "0.png"
    path.write_bytes(path.read_bytes()[:50])
    ended = tutorch("data", "verify", f"folder:{tmp_path}")
    assert (ended.exit_code, "damaged" in ended.out) == (3, True)
    assert "0.png can't be read as an image" in ended.err
