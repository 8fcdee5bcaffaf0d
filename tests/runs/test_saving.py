"""Checkpoints survive failures of the device and of the disk."""

from __future__ import annotations

import errno
import io
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.program import Followed, begin, metrics_lines, tutorch
from tui_app.runs.checkpoints.checkpoint import load_checkpoint
from tui_app.runs.events import Event, Warned
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.files.durable_files import write_json
from tui_app.runs.run_folder import RunFolder, read_json
from tui_app.training import epoch_end, loss_buffer, saver
from tui_app.training.best_models import is_finite
from tui_app.training.loss_buffer import LossBuffer
from tui_app.training.resume import resume_run
from tui_app.training.steering.control import Control
from tui_app.training.step_runner import StepsRun


def test_a_disk_with_room_for_the_best_model_only_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write, saved = saver.save_checkpoint, list[str]()

    def with_little_room(path: Path, *arguments: Any, **options: Any) -> None:
        saved.append(path.name)
        if path.name == "last.pt" and saved.count("last.pt") > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, *arguments, **options)

    monkeypatch.setattr(saver, "save_checkpoint", with_little_room)
    run = begin("softmax", tmp_path, epochs=2, widths=(16,))
    assert saved[-1] == "best.pt"
    assert (run.completed.state, run.completed.exit_code) == ("failed", 1)
    assert "No space left" in run.completed.reason


def test_going_back_to_the_checkpoint_before_keeps_it_through_the_next_save(tmp_path: Path):
    run = begin("softmax", tmp_path, epochs=4, widths=(16,), save_every=0.001, stop_after=40)
    folder = run.session.folder
    whole = folder.previous.read_bytes()
    folder.last.write_bytes(folder.last.read_bytes()[:1000])
    again = resume_run(folder, Control(), lambda progress: None)
    assert folder.last.read_bytes() == whole  # a kill from now on finds a whole one
    again.train(Control(), [])
    assert load_checkpoint(folder.last)["epoch"] == 4


def test_a_run_that_died_between_its_last_step_and_its_end_is_ended(tmp_path: Path):
    run = begin("softmax", tmp_path, epochs=2, widths=(16,))
    folder = run.session.folder
    before = [line for line in metrics_lines(folder.metrics) if line["kind"] != "completed"]
    write_json(folder.status, {**read_json(folder.status), "state": "running", "pid": 2**22})
    assert tutorch("resume", folder.path, "--no-tui").exit_code == 0
    assert read_json(folder.status)["state"] == "completed"
    after = [line for line in metrics_lines(folder.metrics) if line["kind"] != "completed"]
    assert after == before
    assert tutorch("resume", folder.path, "--no-tui").exit_code == 2


def test_running_out_of_memory_during_evaluation_is_reported(
    monkeypatch: pytest.MonkeyPatch,
):
    def evaluate(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(epoch_end, "evaluate", evaluate)
    ended = tutorch("--no-tui", "05", "--epochs", 3)
    assert ended.exit_code == ExitCode.DEVICE_UNAVAILABLE
    assert "--batch-size" in ended.err


def test_a_failing_device_loses_the_losses_that_it_holds(monkeypatch: pytest.MonkeyPatch):
    class Failed(RuntimeError):
        """As torch raises it once a kernel has failed, at whatever is asked next."""

    def close(_: LossBuffer) -> Any:
        raise Failed("CUDA error: unspecified launch failure")

    monkeypatch.setattr(torch, "AcceleratorError", Failed, raising=False)
    monkeypatch.setattr(LossBuffer, "close", close)
    ended = tutorch("--no-tui", "05", "--epochs", 3)
    assert ended.exit_code == ExitCode.DEVICE_UNAVAILABLE
    assert "unspecified launch failure" in ended.err


def test_a_mask_of_infinities_is_no_divergence_but_nan_is():
    model = nn.Linear(2, 2)
    model.register_buffer("mask", torch.full((3, 3), -torch.inf).triu(1))
    assert is_finite(model)
    model.mask = torch.tensor(torch.nan)
    assert not is_finite(model)
    model.mask = torch.zeros(1)
    nn.init.constant_(model.weight, torch.inf)
    assert not is_finite(model)


def test_complex_weights_are_finite_or_not():
    model = nn.Linear(2, 2, dtype=torch.complex64)
    assert is_finite(model)
    with torch.no_grad():
        model.weight[0, 0] = torch.tensor(complex(0, torch.nan))
    assert not is_finite(model)


def test_a_block_has_as_many_steps_as_the_device_takes_in_its_time(monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr(loss_buffer.time, "monotonic", lambda: now[0])
    steps, run = LossBuffer(), StepsRun(torch.tensor(1.0), (1,))

    def until_due() -> int:
        for count in range(1, 1000):
            steps.add(run, 0.1)  # as a GPU takes them: at once, to be computed later
            if steps.is_due:
                now[0] += count / 128  # closing waits for them, so long for each
                steps.close()
                return count
        raise AssertionError

    assert [until_due() for _ in range(4)] == [1, 10, 12, 12]


def test_a_run_that_cannot_be_recorded_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(folder: RunFolder, record: object) -> None:
        raise OSError(28, "No space left on device", str(folder.run_json))

    monkeypatch.setattr(RunFolder, "write_record", full)
    with pytest.raises(OSError, match="No space left"):
        begin("05", tmp_path, epochs=1)
    assert list(tmp_path.glob("*/*")) == []


class SmallDisk:
    """A disk with room for so many bytes of checkpoints in a run's folder."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room = 10**12
        self._write = saver.save_checkpoint
        monkeypatch.setattr(saver, "save_checkpoint", self.save)

    def save(self, path: Path, content: Any, previous: Path | None = None) -> None:
        """Save, where the new file fits beside all that are there."""
        buffer = io.BytesIO()
        torch.save(content, buffer)
        taken = sum(file.stat().st_size for file in path.parent.glob("*.pt"))
        if taken + buffer.tell() > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._write(path, content, previous)


def saved_again(folder: RunFolder, epochs: int) -> Followed:
    session = resume_run(folder, Control(), lambda progress: None, epochs=epochs)
    events: list[Event] = []
    completed = session.train(Control(), [events.append])
    return Followed(session, events, completed)


def test_a_full_disk_takes_last_in_the_place_of_previous(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = begin("softmax", tmp_path, epochs=2, widths=(16,))
    folder, disk = run.session.folder, SmallDisk(monkeypatch)
    size = folder.last.stat().st_size
    disk.room = folder.best().stat().st_size + int(2.5 * size)  # of three, only two fit
    again = saved_again(folder, 3)
    assert again.completed.state == "completed"
    notes = [event.text for event in again.events if isinstance(event, Warned)]
    assert len([text for text in notes if "previous.pt" in text and "disk is full" in text]) == 1
    assert load_checkpoint(folder.last)["epoch"] == 3
    assert load_checkpoint(folder.previous)["epoch"] <= 3  # it is back, with the last save


def test_a_full_disk_that_last_does_not_fit_on_either_keeps_a_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = begin("softmax", tmp_path, epochs=2, widths=(16,))
    folder, disk = run.session.folder, SmallDisk(monkeypatch)
    disk.room = 0
    again = saved_again(folder, 3)
    assert again.completed.state == "failed"
    assert "No space left" in again.completed.reason
    assert load_checkpoint(folder.last)["epoch"] == 2
    assert not folder.previous.exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_previous_is_kept_where_last_is_damaged_or_room_is_not_what_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
):
    run = begin("softmax", tmp_path, epochs=2, widths=(16,))
    folder = run.session.folder
    session = resume_run(folder, Control(), lambda progress: None, epochs=3)
    if number == errno.ENOSPC:
        folder.last.write_bytes(folder.last.read_bytes()[:1000])
    before = folder.previous.read_bytes()

    def fail(path: Path, *_: Any, **__: Any) -> None:
        raise OSError(number, "it fails")

    monkeypatch.setattr(saver, "save_checkpoint", fail)
    assert session.train(Control(), []).state == "failed"
    assert folder.previous.read_bytes() == before
