"""Standard output and error that are unread, full or closed: training continues."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from tests.program import LONGEST, command, environment
from tui_app.cli import run
from tui_app.terminal.native_output import NativeOutput
from tui_app.terminal.printing import write_without_blocking

RUN = ("--no-tui", "05", "--epochs", "30")

FULL = Path("/dev/full")

needs_full = pytest.mark.skipif(not FULL.exists(), reason="Linux has /dev/full")


@contextlib.contextmanager
def broken_pipe() -> Iterator[TextIO]:
    """Yield a pipe that nothing reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as pipe:
        yield pipe


def ended(*argv: str, out: TextIO | None = None, err: TextIO | None = None) -> tuple[int, str]:
    """Return the exit code, and the text on stderr where that isn't `err`."""
    said = io.StringIO()
    with (
        contextlib.redirect_stdout(out or io.StringIO()),
        contextlib.redirect_stderr(err or said),
    ):
        return run(argv), said.getvalue()


def status() -> dict:
    (path,) = Path("runs").glob("*/*/status.json")
    return json.loads(path.read_text())


def notes() -> list[str]:
    (log,) = Path("runs").glob("*/*/log.txt")
    assert "Traceback" not in log.read_text()
    return [line for line in log.read_text().splitlines() if "can't be written any more" in line]


def test_closing_the_pipe_of_events_ends_no_training():
    with broken_pipe() as pipe:
        assert ended(*RUN, "--json", out=pipe)[0] == 0
    assert (status()["state"], status()["step"]) == ("completed", 30)
    (note,) = notes()
    assert "note: standard output can't be written any more (Broken pipe)" in note


def test_closing_the_pipe_of_messages_ends_no_training():
    with broken_pipe() as pipe:
        assert ended(*RUN, out=pipe, err=pipe)[0] == 0
    assert status()["state"] == "completed"
    assert "standard error can't be written any more" in notes()[0]


@needs_full
@pytest.mark.parametrize("name", ["broken", "full"])
def test_output_lost_after_the_end_of_a_run_is_noted_in_its_log(name: str):
    sweep = (*RUN[:-1], "5", "--sweep", "lr=0.01,0.02")
    gone = broken_pipe() if name == "broken" else FULL.open("w", encoding="utf-8")
    with gone as out:
        assert ended(*sweep, out=out)[0] == 0
    first, second = sorted(Path("runs").glob("*/*/log.txt"), key=lambda log: log.parent.name)
    assert first.read_text().count("note: standard output can't be written any more") == 1
    assert first.read_text().rstrip().endswith("log.txt has what it would show")
    assert "can't be written any more" not in second.read_text()


def test_closing_the_pipe_stops_a_run_that_a_hang_up_stops():
    with broken_pipe() as pipe:
        assert ended(*RUN, "--json", "--on-hangup", "stop", out=pipe)[0] == 129
    assert (status()["state"], status()["exit_code"]) == ("stopped", 129)
    assert list(Path("runs").glob("*/*/last.pt"))


@needs_full
def test_a_full_disk_under_the_events_ends_no_training():
    with FULL.open("w", encoding="utf-8") as full:
        assert ended(*RUN, "--json", "--on-hangup", "stop", out=full)[0] == 0
    assert status()["state"] == "completed"
    assert len(notes()) == 1


@pytest.fixture
def chatty(tmp_path: Path) -> Path:
    """Return a lecture whose file and net print in every possible way."""
    net = tmp_path / "chatty.py"
    net.write_text(
        "import os, subprocess, sys\nfrom torch import nn\nfrom models.lecture import Lecture\n\n"
        'print("imported")\n\n'
        "class Chatty(nn.Linear):\n"
        "    def forward(self, x):\n"
        '        print("still here", flush=True)\n'
        '        sys.__stdout__.write("and here\\n")\n'
        '        os.write(1, b"from C\\n")\n'
        "        return super().forward(x)\n\n"
        'subprocess.run(["echo", "from a program"])\n'
        'LECTURE = Lecture(title="Chatty", title_zh="话", datasets=("study-hours",),\n'
        "    model=lambda spec, hyperparameters: Chatty(1, 1), criterion=nn.MSELoss)\n",
        encoding="utf-8",
    )
    return net


def test_a_net_that_prints_into_a_closed_pipe_trains_on(chatty: Path):
    with broken_pipe() as pipe:
        assert ended("--no-tui", str(chatty), out=pipe)[0] == 0
    assert status()["state"] == "completed"


@pytest.mark.parametrize("argv", [("lectures",), ("--help",), ("softmax", "--help")])
def test_a_list_printed_into_a_closed_pipe_is_no_error(argv: tuple[str, ...]):
    with broken_pipe() as pipe:
        assert ended(*argv, out=pipe) == (0, "")


@needs_full
@pytest.mark.parametrize("argv", [("lectures",), ("--help",), ("softmax", "--help")])
def test_a_list_that_cannot_be_written_is_reported(argv: tuple[str, ...]):
    with FULL.open("w", encoding="utf-8") as full:
        exit_code, said = ended(*argv, out=full)
    assert exit_code == 1
    assert said.startswith("tutorch: ")
    assert "No space left on device" in said
    assert said.count("\n") == 1


def test_the_last_write_waits_for_another_thread_but_for_no_reader(monkeypatch):
    """A terminal returns EAGAIN for a non-blocking write during another write."""
    reading, writing = os.pipe()
    write, busy = os.write, [BlockingIOError(), BlockingIOError()]

    def while_busy(fd: int, data: bytes) -> int:
        if busy:
            raise busy.pop()
        return write(fd, data)

    monkeypatch.setattr(os, "write", while_busy)
    write_without_blocking(writing, "shown")
    assert os.read(reading, 99) == b"shown"
    monkeypatch.setattr("tui_app.terminal.printing._WRITE_SECONDS", 0.01)
    busy += [BlockingIOError() for _ in range(10_000)]
    write_without_blocking(writing, "never shown")
    assert 0 < len(busy) < 10_000
    assert os.get_blocking(writing)
    for end in (reading, writing):
        os.close(end)


def test_an_error_that_nothing_reads_has_its_exit_code():
    with broken_pipe() as pipe:
        assert ended("nonsense", err=pipe)[0] == 2


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")
def test_streams_closed_from_the_start_are_no_error():
    ask = ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *command(*RUN)]
    assert subprocess.run(ask, env=environment(), timeout=LONGEST).returncode == 0
    assert status()["state"] == "completed"
    log = next(Path("runs").glob("*/*/log.txt")).read_text()
    for stream in ("standard output", "standard error"):
        assert log.count(f"note: {stream} is closed: log.txt has what it would show") == 1


@needs_full
def test_prints_to_a_full_disk_beside_the_app_raise_nothing(monkeypatch: pytest.MonkeyPatch):
    output = object.__new__(NativeOutput)
    output.lines = deque()
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    with contextlib.suppress(OSError), FULL.open("w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "__stderr__", full)
        output.capture_prints()
        for _ in range(3):
            print("of the net", file=sys.stderr, flush=True)  # noqa: T201
        output.lines.append("all printed")
    assert output.pop_lines() == [
        "standard error can't be written any more (No space left on device)",
        "all printed",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="a program echo")
def test_with_json_stdout_has_only_the_events_whatever_a_net_prints(chatty: Path):
    """Both for writes to the descriptor, as by C code, and within one process."""
    done = subprocess.run(
        command("--json", chatty, "--epochs", 2),
        env=environment(),
        capture_output=True,
        timeout=240,
    )
    kinds = [json.loads(line)["kind"] for line in done.stdout.splitlines()]
    assert (kinds[0], kinds[-1]) == ("started", "completed")
    said = done.stderr.decode()
    texts = ("imported", "still here", "and here", "from C", "from a program")
    assert all(text in said for text in texts)
    (run,) = Path("runs").glob("*/*")
    for argv in (("evaluate", str(run)), ("predict", str(run), "4"), ("show", str(run))):
        out = io.StringIO()
        assert ended(*argv, "--json", out=out)[0] == 0
        assert isinstance(json.loads(out.getvalue()), dict)
