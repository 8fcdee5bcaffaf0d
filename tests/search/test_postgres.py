"""A study in PostgreSQL: a server of its own on loopback, where PostgreSQL is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.program import LONGEST, command, environment, python, tutorch
from tui_app.runs.errors import StorageUnavailable
from tui_app.search.summary import read_study

PROGRAMS = [shutil.which(name) for name in ("initdb", "postgres", "pg_ctl")]
pytestmark = pytest.mark.skipif(not all(PROGRAMS), reason="PostgreSQL isn't installed")
PASSWORD = "secret-word"


def _demoted() -> dict[str, Any]:
    """Arguments of Popen for programs that refuse to run as root."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    pytest.skip("PostgreSQL refuses to run as root, and there is no other user")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _place() -> Path:
    """A new folder that another user can reach: pytest's own are closed to others."""
    for above in map(Path, (tempfile.gettempdir(), "/tmp", "/var/tmp")):
        if all(each.stat().st_mode & 0o001 for each in (above, *above.parents)):
            return Path(tempfile.mkdtemp(prefix="postgres-", dir=above))
    pytest.skip("no folder for temporary files is open to other users")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a fresh database."""
    demoted, place = _demoted(), _place()
    try:
        with _running(place, demoted) as url:
            yield url
    finally:
        shutil.rmtree(place)


@contextmanager
def _running(place: Path, demoted: dict[str, Any]) -> Iterator[str]:
    """Run a server in this folder as this user."""
    folder, password = place / "data", place / "password"
    password.write_text(PASSWORD)
    if demoted:
        for path in (place, password):
            os.chown(path, demoted["user"], demoted["group"])
    port = _free_port()

    def run(*words: object, check: bool = True) -> None:
        done = subprocess.run(
            [str(word) for word in words],
            cwd=place,
            capture_output=True,
            text=True,
            check=False,
            **demoted,
        )
        assert done.returncode == 0 or not check, done.stderr + done.stdout

    run("initdb", "-D", folder, "-U", "tutor", "--auth=scram-sha-256", f"--pwfile={password}")
    settings = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={place}"
    settings += " -c fsync=off"
    run("pg_ctl", "-D", folder, "-o", settings, "-l", place / "log.txt", "-w", "start")
    try:
        yield f"postgresql://tutor:{PASSWORD}@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-D", folder, "-m", "immediate", "-w", "stop", check=False)


#: Four processes open a database in which no tables are yet.
OPENING = """
import os, sys
from pathlib import Path
import psycopg, sqlalchemy
from tui_app.search.library import load_optuna
from tui_app.search.storage import close_storage, open_storage
load_optuna()
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    connection.execute("create database fresh")
url = sys.argv[1].removesuffix("/postgres") + "/fresh"
pids = []
for _ in range(4):
    if (pid := os.fork()) == 0:
        close_storage(open_storage(url, Path("runs"), "s"))
        os._exit(0)
    pids.append(pid)
print([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids])
"""


def test_several_programs_may_be_the_first_in_a_database(server: str):
    opened = python(f"import sys\nsys.argv[1:] = [{server!r}]\n{OPENING}", OMP_NUM_THREADS="1")
    assert opened == "[0, 0, 0, 0]\n"


def test_two_processes_share_a_study_and_the_password_stays_hidden(server: str):
    vary = ("softmax", "--vary", "lr=1e-3..1:log", "--vary", "widths=32|16")
    words = ("search", *vary, "--trials", 4, "--epochs", 2, "--device", "cpu", "--study", "shared")
    argv = command(*words, "--storage", server)
    variables = environment(OMP_NUM_THREADS="1")
    other = subprocess.Popen(argv, env=variables, stderr=subprocess.PIPE, text=True)
    try:
        ended = tutorch(*words, "--storage", server)
        _, err = other.communicate(timeout=LONGEST)
    finally:
        other.kill()
    assert (ended.exit_code, other.returncode) == (0, 0), ended.err + err

    study = read_study("shared", Path("runs"), server)
    assert [trial.number for trial in study.trials] == [0, 1, 2, 3]
    assert study.state == "completed"
    runs = {trial.run for trial in study.trials}
    assert None not in runs
    assert {path.parent for path in Path("runs").absolute().glob("*/*/run.json")} == runs
    assert study.best is not None
    for text in (ended.err, err, str(study), *_files(Path("runs"))):
        assert PASSWORD not in text
    shown = tutorch("studies", "--storage", server)
    assert "shared" in shown.out
    assert tutorch("study", "shared", "--storage", server, "--json").json["best"] is not None


def _files(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.suffix in (".json", ".jsonl", ".txt"):
            yield path.read_text(encoding="utf-8")


def test_a_database_that_cant_be_reached_is_exit_3(server: str, monkeypatch: pytest.MonkeyPatch):
    gone = f"postgresql://tutor:{PASSWORD}@127.0.0.1:{_free_port()}/postgres"
    monkeypatch.setenv("TUTORCH_STORAGE", gone)
    ended = tutorch("study", "shared")
    assert ended.exit_code == 3
    assert "storage can't be used" in ended.err
    assert PASSWORD not in ended.err
    with pytest.raises(StorageUnavailable):
        read_study("shared", Path("runs"), server.replace(PASSWORD, "wrong"))
