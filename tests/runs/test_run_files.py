"""Links, FIFOs and other such files in a run folder are neither followed nor waited for."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.program import tutorch
from tui_app.monitoring.background_runs import background_runs
from tui_app.monitoring.recorded_run import RecordedRun
from tui_app.runs.errors import DamagedRun
from tui_app.runs.files.durable_files import write_json
from tui_app.runs.files.run_files import open_file, open_log
from tui_app.runs.process_identity import this_process
from tui_app.runs.run_folder import RunFolder, read_json
from tui_app.runs.run_table import RunTable, read_note, write_note
from tui_app.runs.trash import move_to_trash

Trained = Callable[..., Path]

SECRET = b'{"kind": "epoch"}\nwhat another file of the user holds\n'


@pytest.fixture
def run(trained: Trained) -> Path:
    return trained("04", "--epochs", "2")


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """A file outside the run folder, which the test must leave unchanged."""
    path = tmp_path / "victim"
    path.write_bytes(SECRET)
    yield path
    assert path.read_bytes() == SECRET


def put(path: Path, kind: str, victim: Path) -> None:
    """Put something else in the place of a file of a run folder."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    match kind:
        case "a symbolic link":
            path.symlink_to(victim)
        case "a dangling link":
            path.symlink_to(victim.with_name("nowhere"))
        case "a FIFO":
            os.mkfifo(path)
        case "a folder":
            path.mkdir()
        case "a socket":
            with socket.socket(socket.AF_UNIX) as listening:
                os.chdir(path.parent)  # a socket's address is short
                listening.bind(path.name)
        case "a device":
            path.symlink_to("/dev/zero")


KINDS = ("a symbolic link", "a dangling link", "a FIFO", "a folder", "a socket", "a device")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("run.json", ["show"]),
        ("status.json", ["runs", "--runs-dir", "runs"]),
        ("metrics.jsonl", ["show"]),
        ("metrics.jsonl", ["resume", "--no-tui", "--epochs", "3"]),
        ("best.pt", ["evaluate"]),
        ("last.pt", ["resume", "--no-tui", "--epochs", "3"]),
        (".lock", ["resume", "--no-tui", "--epochs", "3"]),
        ("log.txt", ["resume", "--no-tui", "--epochs", "3"]),
    ],
)
def test_anything_but_a_regular_file_is_named_and_not_opened(
    run: Path, victim: Path, tmp_path: Path, name: str, words: list[str], kind: str
):
    put(run / name, kind, victim)
    if name == "last.pt":
        (run / "previous.pt").unlink(missing_ok=True)
    place = [] if "--runs-dir" in words else [run]
    os.chdir(tmp_path)
    record = (run / "run.json").read_bytes() if name != "run.json" else b""
    ended = tutorch(words[0], *place, *words[1:])
    assert name == "run.json" or (run / "run.json").read_bytes() == record
    is_list = words[0] == "runs"
    assert ended.exit_code == (0 if is_list else 1), ended.err
    is_link = kind in ("a dangling link", "a device")
    assert f"{name} is {'a symbolic link' if is_link else kind}, not a regular file" in ended.err
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_with_such_a_file_is_listed(run: Path, victim: Path, tmp_path: Path, kind: str):
    put(run / "run.json", kind, victim)
    os.chdir(tmp_path)
    ended = tutorch("runs", "--runs-dir", "runs", "--json")
    assert [row["state"] for row in ended.json] == ["damaged"]
    (row,) = RunTable(tmp_path / "runs").rows()
    assert "not a regular file" in (row.summary.problem or "")
    assert background_runs(tmp_path / "runs") == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["metrics.jsonl", "log.txt", "status.json"])
def test_the_app_reports_such_a_file_when_it_opens_the_run(
    run: Path, victim: Path, name: str, kind: str
):
    put(run / name, kind, victim)
    followed = RecordedRun(RunFolder(run))
    followed.poll()
    assert followed.is_over
    assert "another file" not in " ".join(line.text for line in followed.history.log.lines)
    if name != "status.json":
        assert followed.failure is not None
        assert f"{name} is a" in followed.failure.sentence


def test_a_note_is_not_read_or_written_through_a_link(run: Path, victim: Path):
    put(run / "note.txt", "a symbolic link", victim)
    folder = RunFolder(run)
    assert read_note(folder) == ""
    write_note(folder, "mine")
    assert read_note(folder) == "mine"
    assert not (run / "note.txt").is_symlink()


def test_a_terminal_that_is_gone_writes_to_no_link(run: Path, victim: Path):
    put(run / "log.txt", "a symbolic link", victim)
    log = open_log(run / "log.txt")
    assert os.fstat(log).st_rdev == Path(os.devnull).stat().st_rdev
    os.close(log)


def test_a_file_with_a_second_name_is_written_as_a_copy(run: Path, tmp_path: Path):
    backup = tmp_path / "backup"
    shutil.copytree(run, backup, copy_function=os.link)
    before = {path.name: path.read_bytes() for path in backup.iterdir()}
    assert tutorch("resume", run, "--no-tui", "--epochs", 3).exit_code == 0
    assert {path.name: path.read_bytes() for path in backup.iterdir()} == before
    assert (run / "metrics.jsonl").read_bytes() > before["metrics.jsonl"]
    assert (run / "log.txt").read_bytes().startswith(before["log.txt"])
    assert not list(run.glob(".*.tmp"))


def test_a_run_folder_may_be_a_link_of_the_users(run: Path, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    run.rename(elsewhere)
    run.symlink_to(elsewhere)
    (tmp_path / "link").symlink_to(tmp_path / "runs")
    (row,) = tutorch("runs", "--runs-dir", "link", "--json").json
    assert row["state"] == "completed"
    assert tutorch("resume", "last", "--no-tui", "--epochs", 3, "--runs-dir", "link").exit_code == 0
    assert '"epoch": 3' in (elsewhere / "metrics.jsonl").read_text(encoding="utf-8")


def test_a_trash_that_is_a_link_is_not_used(run: Path, tmp_path: Path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "runs" / ".trash").symlink_to(tmp_path / "outside")
    with pytest.raises(OSError, match="is a symbolic link"):
        move_to_trash(RunFolder(run))
    assert list((tmp_path / "outside").iterdir()) == []
    assert run.is_dir()


def test_only_temporary_files_of_a_killed_program_are_removed(run: Path, victim: Path):
    (run / ".last.pt-1.tmp").write_bytes(b"")
    (run / ".link.tmp").symlink_to(victim)
    (run / ".folder.tmp").mkdir()
    RunFolder(run).remove_unfinished()
    assert [path.name for path in run.glob(".*.tmp")] == [".folder.tmp"]


def test_links_above_a_file_are_not_followed(tmp_path: Path):
    (tmp_path / "run" / "source").mkdir(parents=True)
    (tmp_path / "run" / "source" / "own.py").write_bytes(b"inside")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "own.py").write_bytes(b"outside")
    (tmp_path / "run" / "linked").symlink_to(tmp_path / "outside")
    with open_file(tmp_path / "run" / "source" / "own.py", below=tmp_path / "run") as file:
        assert file.read() == b"inside"
    with pytest.raises(DamagedRun, match="linked is a symbolic link"):
        open_file(tmp_path / "run" / "linked" / "own.py", below=tmp_path / "run")
    with pytest.raises(FileNotFoundError):
        open_file(tmp_path / "run" / ".." / "outside" / "own.py", below=tmp_path / "run")


def test_no_socket_but_a_runs_own_is_sent_commands(run: Path, tmp_path: Path):
    """status.json may name another program's, such as that of an agent that holds keys."""
    status = read_json(run / "status.json")
    for place in ("agent", "tutorch"):
        folder = Path(tempfile.mkdtemp(prefix=f"{place}-"))  # a socket's address is short
        path = folder / "0123456789ab.sock"
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
            under_way = {**this_process(), "state": "running", "control": str(path)}
            write_json(run / "status.json", {**status, **under_way})
            followed = RecordedRun(RunFolder(run))
            followed.poll()
            assert (followed.control is not None) == (place == "tutorch")
        shutil.rmtree(folder)
