"""Fetching over unreliable connections, from mirrors on the loopback interface."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from datasets.dataset import DataDamaged, Dataset, DataUnavailable, RemoteFile
from datasets.fetching import download, transfer
from datasets.fetching.fetch import find, locate, verify
from datasets.reading.progress import LoadingStopped, Progress, ProgressReporter
from tests import mirror_server as serve
from tests.mirror_server import Behaviour, Mirror
from tests.program import LONGEST

CONTENT = random.Random(0).randbytes(300_000)
UNREACHABLE = "http://127.0.0.1:1/letters.bin"  # a port without a listener


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUTORCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("TUTORCH_MIRROR", raising=False)
    monkeypatch.setattr(transfer, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(download, "REPORT_SECONDS", 0.01)
    return tmp_path / "cache" / "letters"


@pytest.fixture
def mirrors() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def start(mirrors: ExitStack, *behaviours: Behaviour) -> list[Mirror]:
    return [mirrors.enter_context(serve.mirror(CONTENT, behaviour)) for behaviour in behaviours]


def letters(*mirrors: Mirror | str, checked_by_content: bool = False) -> Dataset:
    def check(path: Path) -> None:
        if path.read_bytes() != CONTENT:
            raise DataDamaged(f"{path} is damaged")

    file = RemoteFile(
        name="letters.bin",
        urls=tuple(m if isinstance(m, str) else f"{m.url}/letters.bin" for m in mirrors),
        size=len(CONTENT),
        checksum=None if checked_by_content else f"md5:{hashlib.md5(CONTENT).hexdigest()}",
        check=check,
    )
    return Dataset("Letters", "", lambda paths, _: check(paths[file.name]), (file,), name="letters")  # type: ignore


def fetch(dataset: Dataset, on_progress=lambda progress: None, stopped=lambda: False) -> bytes:
    return locate(dataset, None, ProgressReporter(on_progress, stopped))["letters.bin"].read_bytes()


def test_a_file_is_fetched_once_and_then_found_in_the_cache(mirrors, cache):
    (good,) = start(mirrors, serve.honest)
    seen: list[Progress] = []

    assert fetch(letters(good), seen.append) == CONTENT
    assert fetch(letters(good)) == CONTENT

    assert good.asked == ["/letters.bin"]
    assert find(letters(good)) == {"letters.bin": cache / "letters.bin"}
    assert seen[-1].done == seen[-1].total == len(CONTENT)
    assert seen[-1].mirror == good.url.removeprefix("http://")
    assert seen[-1].rate > 0
    assert seen[-1].seconds_left == 0
    assert not list(cache.glob("*.part"))


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (serve.answers(403), "answered 403 Forbidden"),
        (serve.wrong_bytes, "sent wrong bytes"),
        (serve.answers(200), "ended after 27 of 300,000 bytes"),
        (serve.answers(302, Location="/elsewhere"), "redirects without end"),
        (serve.breaks_off(0), "broke off"),
        (serve.announces(1_000), "has 1,000 bytes, but the file has 300,000"),
    ],
)
def test_the_next_mirror_is_tried_and_the_reason_reported(mirrors, behaviour, reason):
    bad, good = start(mirrors, behaviour, serve.honest)
    seen: list[Progress] = []

    assert fetch(letters(bad, good), seen.append) == CONTENT
    assert seen[-1].attempt.startswith("mirror 2 of 2")
    assert reason in seen[-1].attempt


def test_a_redirect_is_followed(mirrors):
    (good,) = start(mirrors, serve.honest)
    (elsewhere,) = start(mirrors, serve.answers(302, Location=f"{good.url}/letters.bin"))
    assert fetch(letters(elsewhere)) == CONTENT


def test_without_any_mirror_the_text_says_what_was_tried_and_what_to_do(mirrors, cache):
    (missing,) = start(mirrors, serve.answers(404))
    with pytest.raises(DataUnavailable) as failure:
        fetch(letters(UNREACHABLE, missing))
    text = str(failure.value)
    assert f"{UNREACHABLE}: could not be reached" in text
    assert f"{missing.url}/letters.bin: answered 404" in text
    assert str(cache / "letters.bin") in text
    assert "letters/letters.bin in a folder named with --data-dir" in text
    assert not (cache / "letters.bin").exists()


def test_a_download_that_breaks_off_continues_where_it_stopped(mirrors):
    (flaky,) = start(mirrors, serve.breaks_off(100_000))
    assert fetch(letters(flaky)) == CONTENT
    assert flaky.asked == [
        "/letters.bin",
        "/letters.bin bytes=100000-",
        "/letters.bin bytes=200000-",
    ]


def test_the_next_mirror_continues_the_partial_file(mirrors):
    breaking, gone, good = start(mirrors, serve.breaks_off(1), serve.answers(503), serve.honest)
    assert fetch(letters(breaking, gone, good)) == CONTENT
    assert good.asked == [f"/letters.bin bytes={download.ATTEMPTS}-"]


def test_a_mirror_without_ranges_starts_from_the_beginning(mirrors, cache):
    (simple,) = start(mirrors, serve.ignores_range)
    cache.mkdir(parents=True)
    (cache / "letters.bin.part").write_bytes(CONTENT[:1000])
    assert fetch(letters(simple)) == CONTENT


@pytest.mark.parametrize("length", [1000, len(CONTENT), len(CONTENT) + 1000])
def test_a_wrong_partial_file_costs_a_second_attempt_at_the_same_mirror(mirrors, cache, length):
    (good,) = start(mirrors, serve.honest)
    cache.mkdir(parents=True)
    (cache / "letters.bin.part").write_bytes(bytes(length))
    assert fetch(letters(good)) == CONTENT
    assert good.asked[-1] == "/letters.bin"


def test_a_length_that_is_too_large_does_not_matter_when_the_bytes_are_right(mirrors):
    (liar,) = start(mirrors, serve.announces(len(CONTENT) + 1))
    assert fetch(letters(liar)) == CONTENT


def test_a_slow_mirror_is_given_up_for_the_next(mirrors, monkeypatch):
    monkeypatch.setattr(download, "SLOW_SECONDS", 1.0)
    monkeypatch.setattr(download, "SLOW_BYTES_PER_SECOND", 10**6)
    slow, silent, good = start(mirrors, serve.drips(200_000), serve.says_nothing, serve.honest)
    assert fetch(letters(slow, silent, good)) == CONTENT
    assert good.asked[0].startswith("/letters.bin bytes=")


def test_the_fastest_of_slow_mirrors_is_the_last_resort(mirrors, monkeypatch):
    monkeypatch.setattr(download, "SLOW_SECONDS", 0.1)
    monkeypatch.setattr(download, "SLOW_BYTES_PER_SECOND", 10**9)
    slow, faster = start(mirrors, serve.drips(10_000), serve.drips(1_000_000))
    assert fetch(letters(slow, faster)) == CONTENT
    assert len(slow.asked) == 1
    assert len(faster.asked) == 2


@pytest.mark.parametrize("behaviour", [serve.says_nothing, serve.stalls(1000)])
def test_a_stop_does_not_wait_for_a_silent_mirror(mirrors, cache, behaviour):
    (silent,) = start(mirrors, behaviour)
    looks = iter(range(1000))
    with pytest.raises(LoadingStopped):
        fetch(letters(silent), stopped=lambda: next(looks) > 5)
    assert not (cache / "letters.bin").exists()


@pytest.mark.parametrize("interruption", [LoadingStopped, KeyboardInterrupt])
def test_an_interrupted_download_leaves_no_partial_result_and_continues(
    mirrors, cache, interruption
):
    (stalling,) = start(mirrors, serve.stalls(200_000))

    def interrupt(progress: Progress) -> None:
        if progress.done > 100_000:
            raise interruption

    with pytest.raises(interruption):
        fetch(letters(stalling), interrupt)
    assert sorted(path.name for path in cache.iterdir()) == ["letters.bin.lock", "letters.bin.part"]

    (good,) = start(mirrors, serve.honest)
    assert fetch(letters(good)) == CONTENT
    assert int(good.asked[0].partition("=")[2].removesuffix("-")) > 100_000


def test_two_processes_share_one_download(mirrors):
    (good,) = start(mirrors, serve.drips(2_000_000))
    second_waits = threading.Event()
    got: list[bytes] = []

    def second() -> None:
        got.append(fetch(letters(good), lambda progress: second_waits.set()))

    other = threading.Thread(target=second)

    def first(_: Progress) -> None:
        if other.ident is None:
            other.start()
            assert second_waits.wait(LONGEST)

    got.append(fetch(letters(good), first))
    other.join(LONGEST)
    assert got == [CONTENT, CONTENT]
    assert good.asked == ["/letters.bin"]


def test_the_users_mirror_is_tried_first_and_its_password_isnt_shown(mirrors, monkeypatch):
    (own,) = start(mirrors, serve.honest)
    monkeypatch.setenv("TUTORCH_MIRROR", f"{own.url}/data/")
    assert fetch(letters(UNREACHABLE)) == CONTENT
    assert own.asked == ["/data/letters/letters.bin"]

    monkeypatch.setenv("TUTORCH_MIRROR", "http://me:secret@127.0.0.1:1/data")
    with pytest.raises(DataUnavailable) as failure:
        fetch(replace(letters(UNREACHABLE), name="other"))
    assert "http://127.0.0.1:1/data/other/letters.bin" in str(failure.value)
    assert "secret" not in str(failure.value)


def test_the_url_of_a_file_comes_from_openmls_description(mirrors, monkeypatch):
    (good,) = start(mirrors, serve.honest)
    described = f'{{"data_set_description": {{"url": "{good.url}/data/letters.arff"}}}}'
    openml = mirrors.enter_context(serve.mirror(described.encode()))
    (broken,) = start(mirrors, serve.answers(200))
    monkeypatch.setattr(transfer, "OPENML", "http://127.0.0.1")

    assert fetch(letters(f"{openml.url}/api/v1/json/data/37")) == CONTENT
    assert (openml.asked, good.asked) == (["/api/v1/json/data/37"], ["/data/letters.arff"])
    with pytest.raises(DataUnavailable, match="doesn't name the URL of the file"):
        fetch(replace(letters(broken), name="other"))


def test_the_error_names_the_files_that_would_do_instead():
    kaggle = RemoteFile("train.csv", (), 1, None)
    with pytest.raises(
        DataUnavailable, match=r"a folder called letters, train\.csv will do as well"
    ):
        fetch(replace(letters(UNREACHABLE), alternatives=((kaggle,),)))


def test_a_proxy_is_used(mirrors, monkeypatch):
    (proxy,) = start(mirrors, serve.honest)
    monkeypatch.setenv("http_proxy", proxy.url)
    assert fetch(letters("http://mirror.invalid/letters.bin")) == CONTENT
    assert proxy.asked == ["http://mirror.invalid/letters.bin"]


def test_a_damaged_file_in_the_cache_is_named_and_fetched_again(mirrors, cache):
    (good,) = start(mirrors, serve.honest)
    fetch(letters(good))
    (cache / "letters.bin").write_bytes(CONTENT[:-1])
    assert str(cache / "letters.bin") in verify(letters(good))[0]
    assert fetch(letters(good)) == CONTENT
    assert verify(letters(good)) == []


def test_without_a_published_checksum_the_content_decides_and_its_own_is_recorded(mirrors, cache):
    portal, good = start(mirrors, serve.answers(200), serve.honest)
    dataset = letters(portal, good, checked_by_content=True)
    assert fetch(dataset) == CONTENT
    assert len(portal.asked) == 1

    record = (cache / "letters.bin.sha256").read_text(encoding="utf-8")
    assert record == f"{hashlib.sha256(CONTENT).hexdigest()}  letters.bin\n"
    (cache / "letters.bin").write_bytes(bytes(len(CONTENT)))
    assert "damaged" in verify(dataset)[0]
    assert fetch(dataset) == CONTENT


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TUTORCH_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.raises(DataUnavailable, match="TUTORCH_CACHE_DIR"):
        fetch(letters(UNREACHABLE))


def test_a_file_in_the_users_folder_is_used_as_it_is(tmp_path, cache):
    folder = tmp_path / "mine" / "Letters"
    folder.mkdir(parents=True)
    (folder / "letters.bin").write_bytes(CONTENT)
    for data_dir in (tmp_path / "mine", folder):
        found = locate(letters(UNREACHABLE), data_dir, ProgressReporter())
        assert found == {"letters.bin": folder / "letters.bin"}
    assert list(folder.iterdir()) == [folder / "letters.bin"]
    assert not cache.exists()


@pytest.mark.parametrize("folder", ["letters", "."])
def test_a_damaged_file_of_the_user_is_named_and_not_changed(mirrors, tmp_path, folder):
    (good,) = start(mirrors, serve.honest)
    path = tmp_path / "mine" / folder / "letters.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"something else")
    with pytest.raises(DataDamaged, match=r"letters\.bin is damaged"):
        locate(letters(good), tmp_path / "mine", ProgressReporter())
    assert path.read_bytes() == b"something else"
    assert good.asked == []


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataUnavailable, match="is not a folder"):
        locate(letters(UNREACHABLE), tmp_path / "nowhere", ProgressReporter())


def test_a_download_that_fills_the_disk_is_a_sentence_and_leaves_nothing(
    mirrors, cache, monkeypatch
):
    (good,) = start(mirrors, serve.honest)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(download._Meter, "add", full)  # called after each write
    with pytest.raises(DataUnavailable) as failure:
        fetch(letters(good))
    for said in (str(cache), "No space left on device: 0.3 MB are needed", "TUTORCH_CACHE_DIR"):
        assert said in str(failure.value)
    assert [path.name for path in cache.iterdir()] == ["letters.bin.lock"]
