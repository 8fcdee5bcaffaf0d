"""The control socket with many clients, slow clients, and programs that start or were killed."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import environment
from tui_app.training.steering import control_socket, remote_control
from tui_app.training.steering.control import Control
from tui_app.training.steering.control_socket import ControlSocket
from tui_app.training.steering.remote_control import send
from tui_app.training.steering.socket_folder import SocketName, private_folder, remove_stale


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for sockets, empty."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # a socket's address is short
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield private_folder()


@pytest.fixture
def made() -> Iterator[tuple[ControlSocket, Control]]:
    control = Control()
    with contextlib.closing(ControlSocket(control)) as server:
        yield server, control


def connect(server: ControlSocket, sent: bytes = b"") -> socket.socket:
    """Connect and send that, without waiting for a reply."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(str(server.path))
    with contextlib.suppress(OSError):
        client.sendall(sent)
    return client


def test_clients_that_send_nothing_half_a_line_or_too_much_hold_nobody_up(
    made: tuple[ControlSocket, Control],
):
    server, control = made
    messages = [b"", b'{"do": "pau', b"x" * 100_000] * 20
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(server, each)) for each in messages]
        begun = time.monotonic()
        assert send(str(server.path), {"do": "pause"}) is None
        assert time.monotonic() - begun < control_socket.TIMEOUT / 2
        assert control.attention
        assert clients[0].recv(1) == b""  # the oldest of too many


def test_an_idle_client_is_dropped(
    made: tuple[ControlSocket, Control], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(control_socket, "TIMEOUT", 0.1)
    with connect(made[0]) as client:
        assert client.recv(1) == b""


def test_half_a_connection_gets_a_reply(made: tuple[ControlSocket, Control]):
    """As `echo ... | socat` leaves it."""
    with connect(made[0], b'{"do": "save"}\n') as client:
        client.shutdown(socket.SHUT_WR)
        assert json.loads(client.makefile().readline()) == {"done": True}


def test_a_command_that_timed_out_is_not_executed_later(
    monkeypatch: pytest.MonkeyPatch,
):
    """As when the program that trains was suspended meanwhile."""
    monkeypatch.setattr(remote_control, "TIMEOUT", 0.2)
    resumed, control, accept = threading.Event(), Control(), ControlSocket._accept

    def wait_then_accept(server: ControlSocket) -> None:
        resumed.wait(30)
        accept(server)

    monkeypatch.setattr(ControlSocket, "_accept", wait_then_accept)
    with contextlib.closing(ControlSocket(control)) as server:
        assert "timed out" in str(send(str(server.path), {"do": "stop"}))
        resumed.set()
        monkeypatch.setattr(remote_control, "TIMEOUT", 30.0)
        assert send(str(server.path), {"do": "save"}) is None
    assert control.stop_request is None
    assert control.pop_save()


def test_sockets_of_killed_programs_are_removed_and_others_kept(runtime: Path):
    code = "import os\nfrom tui_app.training.steering.control_socket import ControlSocket\n"
    code += "from tui_app.training.steering.control import Control\n"
    code += "print(ControlSocket(Control()).path, flush=True)\nos._exit(9)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False
    )
    left = Path(done.stdout.strip())
    assert left.exists()
    with socket.socket(socket.AF_UNIX) as older:  # of an earlier version, still server
        older.bind(str(runtime / "00older.sock"))
        older.listen()
        with socket.socket(socket.AF_UNIX) as gone:
            gone.bind(str(runtime / "00gone.sock"))
        with contextlib.closing(ControlSocket(Control())) as lives:
            remove_stale(runtime)
            names = {path.name for path in runtime.iterdir()}
            assert names == {"00older.sock", lives.path.name, lives.path.stem + ".lock"}


def test_a_name_is_claimed_while_its_program_starts(runtime: Path, monkeypatch: pytest.MonkeyPatch):
    """Another program removes stale sockets between any two steps of the claim."""
    import fcntl

    flock, locked = fcntl.flock, list[int]()

    def while_another_looks(descriptor: int, how: int) -> None:
        if how == fcntl.LOCK_EX and not locked:
            locked.append(descriptor)
            remove_stale(runtime)  # before it is locked: another name is claimed
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", while_another_looks)
    name = SocketName(runtime)
    remove_stale(runtime)
    assert [path.name for path in runtime.iterdir()] == [f"{name.path.stem}.lock"]
    name.release()
    assert list(runtime.iterdir()) == []


def test_programs_that_start_at_the_same_time_keep_their_sockets():
    lost, made = list[str](), list[int]()

    def start_again_and_again() -> None:
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            with contextlib.closing(ControlSocket(Control())) as server:
                problem = send(str(server.path), {"do": "pause"})
                made.append(1)
                if problem is not None or not server.path.exists():
                    lost.append(str(problem))

    threads = [threading.Thread(target=start_again_and_again) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lost == []
    assert len(made) >= 6


def test_a_link_in_place_of_the_folder_is_refused(runtime: Path, tmp_path: Path):
    runtime.rmdir()
    runtime.symlink_to(tmp_path)
    with pytest.raises(PermissionError):
        ControlSocket(Control())
    assert list(tmp_path.iterdir()) == []
