"""Injects a few faults of each kind; `python -m tests.faults` injects as many as requested."""

from __future__ import annotations

import contextlib
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from datasets import DataDamaged
from models import find_lecture
from models.loading.load import load_lecture
from tests.faults.__main__ import attempt
from tests.faults.kinds import FAULTS
from tests.faults.trial import Reference, start_server
from tests.program import LONGEST, few_samples, metrics_lines, tutorch
from tests.tolerances import TRAINED
from tui_app.runs.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from tui_app.runs.errors import DamagedRun
from tui_app.runs.events import Event, StepsCompleted, Warned
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.files.durable_files import AppendedFile, CutShort
from tui_app.runs.listing import current_state
from tui_app.runs.process_identity import identity
from tui_app.runs.run_folder import read_json
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training import prepare, step
from tui_app.training.resume import resume_run
from tui_app.training.session import Session
from tui_app.training.start import start_run
from tui_app.training.steering.control import Control
from tui_app.training.steering.remote_control import RemoteControl, send

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="prlimit and forkserver")

#: Those that the suite makes, once each: the others need `python -m tests.faults`.
QUICK = [
    "SIGKILL within 50 ms of a save's start",
    "TERM, INT, HUP",
    "USR1, then SIGKILL",
    "app: TERM, INT, HUP",
    "app: USR1, then SIGKILL",
    "app: terminal hung up",
    "NaN or infinity while it trains",
]


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    start_server()
    with tempfile.TemporaryDirectory(prefix="tutorch-faults-", dir="/tmp") as place:
        Path(place).chmod(0o755)
        yield Reference(Path(place))


@pytest.mark.parametrize("name", QUICK)
def test_a_run_survives(name: str, reference: Reference):
    outcome = attempt(FAULTS[name][0], random.Random(name), reference)
    assert outcome.problems == []
    assert (outcome.corrupt, outcome.tracebacks) == ([], 0)
    assert outcome.terminal_restored is not False


# Inside one process


def session(control: Control, lecture: str = "softmax", **given: Any) -> Session:
    small = {"widths": (8,), "epochs": 2} if lecture == "softmax" else {}
    wanted = resolve_settings(
        load_lecture(find_lecture(lecture)), {**small, **given, "device": "cpu"}
    )
    return start_run(wanted, control, lambda progress: None)


def follow(made: Session, *listeners: Callable[[Event], None], control: Control | None = None):
    events: list[Event] = []
    return made.train(control or Control(), [events.append, *listeners]), events


def losses(events: list[Event]) -> list[float]:
    return [x for event in events if isinstance(event, StepsCompleted) for x in event.losses]


def out_of_memory_above(monkeypatch: pytest.MonkeyPatch, samples: int) -> None:
    """Let the device have no room for more than so many samples at once."""
    whole = step._loss

    def tight(training: Any, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if len(inputs) > samples:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(training, inputs, targets)

    monkeypatch.setattr(step, "_loss", tight)


@pytest.mark.parametrize("lecture", ["softmax", "05"])  # a mean over the samples, and a sum
def test_a_batch_too_large_is_taken_in_parts_and_a_step_is_what_it_was(
    monkeypatch: pytest.MonkeyPatch, lecture: str
):
    _, whole = follow(session(Control(), lecture))
    out_of_memory_above(monkeypatch, 20 if lecture == "softmax" else 1)
    made = session(Control(), lecture)
    completed, parts = follow(made)
    assert completed.state == "completed"
    assert losses(parts) == pytest.approx(losses(whole), rel=TRAINED)
    (said,) = [
        event.text for event in parts if isinstance(event, Warned) and "memory" in event.text
    ]
    assert "4 parts" in said
    assert load_checkpoint(made.folder.last)["parts"] == 4
    again = resume_run(made.folder, Control(), lambda progress: None, epochs=5000)
    assert again.training.parts == 4
    follow(again, control=_stopped())


def _stopped() -> Control:
    control = Control()
    control.stop()
    return control


def test_out_of_memory_stops_with_advice_where_that_was_chosen(monkeypatch: pytest.MonkeyPatch):
    out_of_memory_above(monkeypatch, 20)
    ended = tutorch("--no-tui", "softmax", "--epochs", 2, "--on-oom", "stop")
    assert ended.exit_code == ExitCode.DEVICE_UNAVAILABLE
    assert "--batch-size" in ended.err
    out_of_memory_above(monkeypatch, 0)  # halving helps no more
    assert tutorch("--no-tui", "softmax", "--epochs", 2).exit_code == 4


def test_weights_that_are_not_finite_after_the_last_step_are_neither_saved_nor_completed():
    made = session(Control(), epochs=1)

    def spoil(event: Event) -> None:
        if isinstance(event, StepsCompleted) and made.training.step == len(made.training.batches):
            with torch.no_grad():
                next(made.training.model.parameters()).fill_(torch.nan)

    completed, _ = follow(made, spoil)
    assert (completed.state, completed.exit_code) == ("failed", 1)
    assert "weights" in completed.reason
    assert torch.isfinite(next(iter(load_checkpoint(made.folder.last)["model"].values()))).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_data_that_are_not_finite_are_refused(monkeypatch: pytest.MonkeyPatch, value: float):
    read = prepare.read_dataset

    def spoilt(*args: Any, **options: Any) -> Any:
        data = few_samples(read(*args, **options))
        data.train.targets[1] = value
        return data

    monkeypatch.setattr(prepare, "read_dataset", spoilt)
    with pytest.raises(DataDamaged, match="sample 2 of the train set"):
        session(Control(), "05")
    assert not Path("runs").exists()


def test_an_lr_set_by_hand_after_the_last_checkpoint_is_set_again(tmp_path: Path):
    class Killed(BaseException): ...

    def steer(control: Control, *, kill: bool) -> Callable[[Event], None]:
        control.run_steps(5)

        def listener(event: Event) -> None:
            if getattr(event, "state", "") != "paused":
                return
            if getattr(event, "step", 0) == 5:
                control.set_lr(0.01)
                control.run_steps(5)
            else:
                if kill:
                    raise Killed
                control.unpause()

        return listener

    control = Control()
    _, whole = follow(session(control), steer(control, kill=False), control=control)
    control = Control()
    made = session(control)
    with pytest.raises(Killed):
        follow(made, steer(control, kill=True), control=control)
    again = resume_run(made.folder, Control(), lambda progress: None)
    assert again.training.step == 0
    follow(again)
    recorded = [x for line in metrics_lines(made.folder.metrics) for x in line.get("losses", ())]
    assert recorded == losses(whole)
    changes = [line for line in metrics_lines(made.folder.metrics) if line["kind"] == "control"]
    assert [(line["first_step"], line["lr"]) for line in changes] == [(6, 0.01)]


def test_a_run_killed_before_anything_was_saved_starts_again():
    control = Control()
    made = session(control)
    control.stop()
    follow(made, control=control)
    for name in ("last.pt", "previous.pt", "best.pt"):
        (made.folder.path / name).unlink(missing_ok=True)
    ended = tutorch("resume", "last", "--no-tui")
    assert ended.exit_code == 0
    assert "it starts again" in ended.err


def test_no_flipped_bit_of_a_checkpoint_goes_unnoticed_or_does_harm(tmp_path: Path):
    path, chance = tmp_path / "last.pt", random.Random(0)
    state = {"model": {"w": torch.arange(6.0)}, "step": 7, "lr": 0.1}
    save_checkpoint(path, state)
    whole = path.read_bytes()
    flips = [(at, chance.randrange(8)) for at in range(0, len(whole), 3)]
    for entry in re.finditer(rb"PK\x01\x02", whole):  # what it says of each file in it
        flips += [(entry.start() + 38 + bit // 8, bit % 8) for bit in range(32)]
    for at, bit in flips:
        spoilt = bytearray(whole)
        spoilt[at] ^= 1 << bit
        path.write_bytes(spoilt)
        try:
            found = load_checkpoint(path)
        except DamagedRun:
            continue
        assert torch.equal(found["model"]["w"], state["model"]["w"])  # a byte that means nothing
        assert (found["step"], found["lr"]) == (7, 0.1)
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at])
        with pytest.raises(DamagedRun):
            load_checkpoint(path)


def test_a_disk_that_fills_in_the_middle_of_a_checkpoint_is_that_and_nothing_else(tmp_path: Path):
    state = {"model": {"w": torch.zeros(100_000)}}
    save_checkpoint(tmp_path / "last.pt", state)
    for room in (10, 1000, 200_000):
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                save_checkpoint(tmp_path / "last.pt", state)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == ["last.pt"]
    load_checkpoint(tmp_path / "last.pt")


def test_a_file_cut_off_or_replaced_by_somebody_else_is_gone_on_with(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    file = AppendedFile(path)
    file.add("first")
    file.write_out()
    path.write_text("fi")
    file.add("second")
    with pytest.raises(CutShort):
        file.write_out()
    assert path.read_text() == "fi\nsecond\n"
    path.unlink()
    file.add("third")
    with pytest.raises(CutShort):
        file.write_out()
    assert path.read_text() == "third\n"
    file.close()


def test_training_waits_for_no_disk(monkeypatch: pytest.MonkeyPatch):
    """A checkpoint that is never done being written holds up nothing but the end."""
    from tui_app.training import saver

    go_on = threading.Event()
    write = saver.save_checkpoint

    def slow(*args: Any, **options: Any) -> None:
        assert go_on.wait(LONGEST)
        write(*args, **options)

    monkeypatch.setattr(saver, "save_checkpoint", slow)
    control = Control()

    def hear(event: Event) -> None:
        control.save()
        if event.kind == "epoch" and getattr(event, "epoch", 0) == 2:
            go_on.set()

    completed, _ = follow(session(control, save_every=0.001), hear, control=control)
    assert completed.state == "completed"


def test_a_run_is_told_dead_from_alive_whatever_the_clock_says():
    from tui_app.runs.process_identity import this_process

    claim = {"state": "running", **this_process(), "heartbeat": 0.0}
    assert current_state(claim) == "running"
    with subprocess.Popen(["sleep", "60"]) as gone:
        claim |= {"pid": gone.pid, "identity": identity(gone.pid)}
        assert current_state(claim) == "running"
        gone.kill()
    assert current_state(claim) == "crashed"
    assert current_state({**this_process(), "state": "running", "identity": "another"}) == "crashed"
    elsewhere = {"state": "running", "host": "elsewhere", "pid": 1}
    assert current_state({**elsewhere, "heartbeat": 0.0}) == "crashed"


# Over the socket


def test_a_run_is_steered_over_its_socket_by_its_owner_alone():
    control, problems = Control(), []
    control.pause()
    made = session(control, epochs=50)
    asked = threading.Event()

    def steer(event: Event) -> None:
        if event.kind == "state" and not asked.is_set():
            path = Path(read_json(made.folder.status)["control"])
            assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (
                0o600,
                0o700,
            )
            remote = RemoteControl(path, problems.append)
            remote.set_lr(0.02)
            remote.save()
            remote.run_steps(3)
            asked.set()
        elif event.kind == "state" and getattr(event, "step", 0) == 3:
            remote = RemoteControl(read_json(made.folder.status)["control"], problems.append)
            remote.stop()

    completed, events = follow(made, steer, control=control)
    assert (completed.state, completed.step, problems) == ("stopped", 3, [])
    assert {event.kind for event in events} >= {"control", "checkpoint"}
    path = read_json(made.folder.status)["control"]
    assert not Path(path).exists()
    assert "doesn't reply" in str(send(path, {"do": "pause"}))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"[" * 9999,
        b"\xff" * 99,
        b'{"do": "_notify"}',
        b'{"do": "stop", "value": 3}',
        b'{"do": "take_epoch", "value": 3}',
        b'{"do": "take_steps", "value": -1}',
        b'{"do": "set_lr", "value": NaN}',
        b'{"do": "set_lr", "value": "1"}',
        b'{"do": "set_lr", "value": true}',
    ],
)
def test_a_line_that_is_no_command_does_nothing(line: bytes):
    from tui_app.training.steering.control_socket import _execute

    control = Control()
    assert "error" in _execute(control, line)
    assert not control.attention


def test_a_socket_that_is_being_made_is_not_removed_by_a_program_that_starts_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
):
    from tui_app.training.steering import control_socket
    from tui_app.training.steering.socket_folder import remove_stale

    chmod, control = Path.chmod, Control()

    def while_another_program_starts(path: Path, mode: int) -> None:
        chmod(path, mode)
        remove_stale(path.parent)

    monkeypatch.setattr(Path, "chmod", while_another_program_starts)
    with contextlib.closing(control_socket.ControlSocket(control)) as made:
        assert send(str(made.path), {"do": "pause"}) is None
    assert not made.path.exists()
    assert control.attention


def test_attach_says_where_to_go_for_a_run_of_another_machine():
    made = session(Control(), epochs=1)
    follow(made)
    status = read_json(made.folder.status)
    status |= {"state": "running", "host": "gpu-box", "heartbeat": 1e12}
    made.folder.status.write_text(json.dumps(status))
    ended = tutorch("attach", "last")
    assert ended.exit_code == ExitCode.USAGE
    assert "ssh gpu-box" in ended.err


def test_a_run_that_crashed_is_said_to_have_and_can_be_resumed():
    made = session(Control(), epochs=1)
    follow(made)
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    status = read_json(made.folder.status) | {"state": "running", "pid": gone.pid, "identity": "x"}
    made.folder.status.write_text(json.dumps(status))
    ended = tutorch("runs")
    assert "crashed" in ended.out
    short = made.folder.name[-4:]
    assert f"`tutorch resume {short}` continues it" in " ".join(ended.err.split())
    elsewhere = Path("my runs").absolute()
    made.folder.path.parent.parent.rename(elsewhere)
    ended = tutorch("runs", "--runs-dir", elsewhere)
    run = f"'{elsewhere}/{made.folder.name}'"
    assert f"`tutorch resume {run}` continues it" in " ".join(ended.err.split())
