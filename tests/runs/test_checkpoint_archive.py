"""A checkpoint that torch wouldn't have written is refused before it fills the memory."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.program import tutorch
from tui_app.runs.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from tui_app.runs.errors import DamagedRun

Trained = Callable[..., Path]

#: More than a test may take: what is refused is refused before it is there.
HUGE = 1 << 40


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "saved.pt"
    save_checkpoint(path, {"weight": torch.zeros(1000), "tied": torch.ones(3)})
    return path


def rewrite(path: Path, change: Callable[[str, bytes], bytes], how: int = zipfile.ZIP_STORED):
    """Rewrite the archive, with the content of each member changed by `change`."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(name, change(name, content))


def as_it_is(_: str, content: bytes) -> bytes:
    return content


def test_an_archive_of_stored_members_from_any_program_is_read(saved: Path):
    rewrite(saved, as_it_is)
    assert load_checkpoint(saved)["weight"].shape == (1000,)


@pytest.mark.parametrize("how", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compressed_member_is_refused(trained: Trained, how: int):
    run = trained("04", "--epochs", "2")
    rewrite(run / "best.pt", as_it_is, how)
    ended = tutorch("evaluate", run)
    assert ended.exit_code == 1
    assert "best.pt is damaged and was not loaded" in ended.err
    assert "is compressed" in ended.err
    rewrite(run / "last.pt", as_it_is, how)
    (run / "previous.pt").unlink(missing_ok=True)
    ended = tutorch("resume", run, "--no-tui", "--epochs", 3)
    assert ended.exit_code == 1
    assert "last.pt is damaged and was not loaded" in ended.err


def test_members_that_share_their_bytes_are_refused(saved: Path):
    with zipfile.ZipFile(saved, "a") as archive:
        shared = next(info for info in archive.infolist() if info.filename.endswith("/data/0"))
        for number in range(10, 20):
            archive.filelist.append(clone(shared, shared.filename[:-1] + str(number)))
        archive._didModify = True  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(DamagedRun, match="its members are larger than the file"):
        load_checkpoint(saved)


def clone(info: zipfile.ZipInfo, name: str) -> zipfile.ZipInfo:
    copy = zipfile.ZipInfo(name)
    for attribute in ("header_offset", "CRC", "compress_size", "file_size"):
        setattr(copy, attribute, getattr(info, attribute))
    return copy


def test_a_name_that_torch_would_find_in_any_case_is_refused(saved: Path):
    with zipfile.ZipFile(saved, "a") as archive:
        archive.writestr("saved/data/abc", b"0" * 16)
    with pytest.raises(DamagedRun, match="a name that torch gives"):
        load_checkpoint(saved)


@pytest.mark.parametrize("where", [0, 100])
def test_a_second_list_of_members_is_refused(saved: Path, where: int):
    content = saved.read_bytes()
    end, locator = content[-22:], content[-42:-22]
    assert locator.startswith(b"PK\x06\x07")
    elsewhere = struct.pack("<4sLQL", b"PK\x06\x07", 0, where, 1)
    saved.write_bytes(content[:-42] + elsewhere + end)
    with pytest.raises(DamagedRun):  # newer versions of zipfile refuse it by themselves
        load_checkpoint(saved)
    saved.write_bytes(content[:-2] + b"\x04\0text")
    with pytest.raises(DamagedRun, match="doesn't end as torch ends an archive"):
        load_checkpoint(saved)


def test_a_tensor_larger_than_what_is_stored_for_it_is_refused(saved: Path):
    def enlarged(name: str, content: bytes) -> bytes:
        return content.replace(b"M\xe8\x03", b"J\xff\xff\xff\x7f")  # 1000 becomes 2**31 - 1

    rewrite(saved, enlarged)
    with pytest.raises(DamagedRun, match=r"saved\.pt is damaged"):
        load_checkpoint(saved)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({"weight": torch.zeros(1).expand(HUGE)}, "more elements than are stored"),
        ([{"inner": (torch.zeros(2, 1).expand(2, HUGE),)}], "more elements than are stored"),
        ({"weight": torch.empty(HUGE, device="meta")}, "has no values"),
    ],
)
def test_an_absurd_tensor_is_refused(tmp_path: Path, content: Any, why: str):
    torch.save(content, tmp_path / "absurd.pt")
    with pytest.raises(DamagedRun, match=why):
        load_checkpoint(tmp_path / "absurd.pt")


def test_an_allocation_by_a_number_is_refused(saved: Path):
    class Allocation:
        def __reduce__(self):
            return bytearray, (HUGE,)

    def asks(name: str, content: bytes) -> bytes:
        return pickle.dumps(Allocation(), 2) if name.endswith("data.pkl") else content

    rewrite(saved, asks)
    with pytest.raises(DamagedRun, match="allocates memory besides its tensors"):
        load_checkpoint(saved)


def test_a_container_that_holds_itself_is_checked_once(tmp_path: Path):
    shared = torch.zeros(3)
    nested: list[Any] = [shared]
    for _ in range(60):
        nested = [nested, nested]
    save_checkpoint(tmp_path / "nested.pt", {"state": nested, "again": shared})
    assert load_checkpoint(tmp_path / "nested.pt")["again"].tolist() == [0, 0, 0]


def torch_loads(value: object, path: Path) -> bool:
    """Whether this torch loads a set or bytes without running code; older ones refuse them."""
    torch.save(value, path)
    try:
        torch.load(path, weights_only=True)
    except pickle.UnpicklingError:
        return False
    return True


@pytest.mark.parametrize("is_memoised", [False, True])
def test_a_value_that_is_copied_again_and_again_is_refused_and_a_few_copies_are_not(
    saved: Path, is_memoised: bool
):
    def copying(calls: int, length: int) -> Callable[[str, bytes], bytes]:
        text = b"X" + struct.pack("<I", length) + b"a" * length + b"q\x01"
        name = b"c_codecs\nencode\n"
        again = b"h\x02" if is_memoised else name
        call = b"h\x01X\x06\x00\x00\x00utf_32\x86R"
        names = [name + b"q\x02", *[again] * (calls - 1)]
        pickled = b"\x80\x02](" + text + b"".join(each + call for each in names) + b"e."
        return lambda name, content: pickled if name.endswith("data.pkl") else content

    rewrite(saved, copying(100, 1 << 20))
    with pytest.raises(DamagedRun, match="allocates memory besides its tensors"):
        load_checkpoint(saved)
    if torch_loads(b"\xff" * 9, saved.with_name("bytes.pt")):
        rewrite(saved, copying(3, 100))
        assert len(load_checkpoint(saved)) == 4


def test_sets_and_bytes_beside_very_many_tensors_are_loaded(saved: Path):
    if not torch_loads([{1}, b"\xff" * 9], saved):
        pytest.skip("this torch loads neither")
    tensors = {str(number): torch.zeros(2) for number in range(3000)}
    save_checkpoint(saved, {**tensors, "extra": {1, 2}, "bytes": b"\xff" * 9})
    assert load_checkpoint(saved)["extra"] == {1, 2}
