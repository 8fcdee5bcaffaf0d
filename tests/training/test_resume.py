"""A resumed run equals one that was never interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from models import find_lecture
from models.fields import InvalidValue
from models.loading.load import load_lecture
from tests.program import metrics_lines
from tests.tolerances import FLOAT64
from tui_app.runs.errors import DamagedRun, DeviceUnavailable, RunFinished, RunLocked
from tui_app.runs.events import (
    EpochCompleted,
    Event,
    RunCompleted,
    RunStarted,
    StepsCompleted,
    Warned,
)
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_record import RunRecord
from tui_app.runs.settings.run_settings import RunSettings, resolve_settings
from tui_app.training import prepare
from tui_app.training.resume import resume_run
from tui_app.training.start import start_run
from tui_app.training.steering.control import Control


def settings(runs_dir: Path, lecture: str = "softmax", **given: Any) -> RunSettings:
    small = {"widths": (16,), "epochs": 4} if lecture == "softmax" else {}
    return resolve_settings(
        load_lecture(find_lecture(lecture)), {**small, **given, "runs_dir": str(runs_dir)}
    )


def begin(wanted: RunSettings, *listeners: Callable[[Event], None], control: Control | None = None):
    control = control or Control()
    session = start_run(wanted, control, lambda progress: None)
    return session, session.train(control, listeners)


def resume(folder: RunFolder, *listeners: Callable[[Event], None], **changes: Any) -> RunCompleted:
    control = Control()
    session = resume_run(folder, control, lambda progress: None, **changes)
    return session.train(control, listeners)


def stop_at(control: Control, step: int) -> Callable[[Event], None]:
    """Run `step` steps, one by one, then stop: so a run can be stopped anywhere."""
    control.run_steps(step)

    def listener(event: Event) -> None:
        if event.kind == "state":
            control.stop()

    return listener


def record(folder: RunFolder) -> dict[str, Any]:
    """What must be equal: every step's loss, every epoch's values, the bests, the weights."""
    lines = list(metrics_lines(folder.metrics))
    timeless = [
        {k: v for k, v in line.items() if k not in ("run", "seconds", "samples_per_second")}
        for line in lines
        if line["kind"] in ("epoch", "best")
    ]
    steps = [
        (line["first_step"] + offset, line["epoch"], loss)
        for line in lines
        if line["kind"] == "steps"
        for offset, loss in enumerate(line["losses"])
    ]
    return {"steps": steps, "lines": timeless}


def weights(path: Path) -> dict[str, torch.Tensor]:
    state = torch.load(path, weights_only=True)
    return state.get("model", state)


def assert_same_run(left: RunFolder, right: RunFolder) -> None:
    assert record(left) == record(right)
    for name in ("last.pt", "best.pt"):
        a, b = weights(left.path / name), weights(right.path / name)
        assert a.keys() == b.keys()
        assert all(torch.equal(a[key], b[key]) for key in a), name


def test_the_status_of_a_resumed_run_has_its_best_value_from_the_start(tmp_path: Path) -> None:
    def at_start(folder: RunFolder) -> Callable[[Event], None]:
        def listener(event: Event) -> None:
            if isinstance(event, RunStarted):
                status = json.loads(folder.status.read_text())
                found.append((status["state"], status["best_value"], status["best_epoch"]))

        return listener

    found: list[tuple[object, ...]] = []
    control = Control()
    session = start_run(settings(tmp_path), control, lambda progress: None)
    listeners = [at_start(session.folder), stop_at(control, 30)]
    completed = session.train(control, listeners)
    resume(session.folder, at_start(session.folder))
    assert completed.best_value is not None
    assert found == [
        ("running", None, None),
        ("running", completed.best_value, completed.best_epoch),
    ]


@pytest.mark.parametrize(
    ("lecture", "given", "stop"),
    [
        ("softmax", {}, 46),  # between two epochs
        ("softmax", {}, 30),  # in the middle of one
        ("softmax", {"optimizer": "adam", "lr": 0.001, "lr_schedule": "cosine"}, 31),
        ("softmax", {"lr_schedule": "one-cycle", "validation": 0.2, "clip_grad_norm": 1.0}, 25),
        ("softmax", {"nesterov": True, "lr_schedule": "milestones", "lr_milestones": (1, 3)}, 30),
        ("softmax", {"augment": "shift", "epochs": 3}, 30),
        ("softmax", {"augment": "alternating flip and shift", "epochs": 3}, 30),
        ("softmax", {"optimizer": "rmsprop", "lr": 0.001, "keep_best": 2, "eval_every": 3}, 40),
        ("05", {"optimizer": "lbfgs", "epochs": 12}, 5),
        ("05", {"optimizer": "asgd", "epochs": 12}, 5),
        ("05", {"optimizer": "rprop", "epochs": 12}, 5),
        ("02", {}, 20),
        ("03", {"batch_size": 2, "shuffle": True, "epochs": 6}, 7),
        ("08_dataset", {"epochs": 3, "workers": 1, "drop_last": True}, 20),
    ],
)
def test_a_run_stopped_anywhere_equals_one_that_was_not(
    tmp_path: Path, lecture: str, given: dict[str, Any], stop: int
) -> None:
    whole, _ = begin(settings(tmp_path / "whole", lecture, **given))
    control = Control()
    part, completed = begin(
        settings(tmp_path / "part", lecture, **given), stop_at(control, stop), control=control
    )
    assert (completed.state, completed.step) == ("stopped", stop)
    assert resume(part.folder).state == "completed"
    assert_same_run(whole.folder, part.folder)


def test_two_epochs_and_two_more_equal_four(tmp_path: Path) -> None:
    whole, _ = begin(settings(tmp_path / "whole"))
    part, _ = begin(settings(tmp_path / "part", epochs=2))
    with pytest.raises(RunFinished):
        resume(part.folder)
    assert resume(part.folder, epochs=4).epoch == 4
    assert_same_run(whole.folder, part.folder)
    assert part.folder.read_record().epochs == 4


def test_an_extended_run_starts_another_cosine_with_a_note(
    tmp_path: Path,
) -> None:
    session, _ = begin(settings(tmp_path, epochs=2, lr_schedule="cosine"))
    heard: list[Event] = []
    resume(session.folder, heard.append, epochs=4)
    assert any(isinstance(event, Warned) and "cosine" in event.text for event in heard)
    first = next(event for event in heard if isinstance(event, StepsCompleted))
    assert first.lr == pytest.approx(0.1, rel=FLOAT64)


def test_a_killed_run_repeats_only_the_steps_after_its_checkpoint(tmp_path: Path) -> None:
    """Without the final save last.pt is older than metrics.jsonl."""
    whole, _ = begin(settings(tmp_path / "whole"))
    control = Control()
    session = start_run(settings(tmp_path / "part"), control, lambda progress: None)

    class Killed(BaseException):
        pass

    def kill(event: Event) -> None:
        if isinstance(event, EpochCompleted) and event.epoch == 1:
            control.save()
        if isinstance(event, EpochCompleted) and event.epoch == 3:
            raise Killed

    with pytest.raises(Killed):
        session.train(control, [kill])
    with session.folder.metrics.open("a") as file:
        file.write('{"kind": "steps", "first_st')
    resume(session.folder)
    assert_same_run(whole.folder, session.folder)


def test_an_lr_set_by_hand_is_set_again_at_the_same_step(tmp_path: Path) -> None:
    def listener_for(control: Control, stop: int | None) -> Callable[[Event], None]:
        def listener(event: Event) -> None:
            if getattr(event, "state", "") != "paused":
                return
            if getattr(event, "step", 0) == 10:
                control.set_lr(0.05)
                control.run_steps((stop or 60) - 10)
            else:
                control.stop() if stop else control.unpause()

        return listener

    def run(runs_dir: Path, stop: int | None) -> RunFolder:
        control = Control()
        control.run_steps(10)
        session, _ = begin(
            settings(runs_dir, epochs=3), listener_for(control, stop), control=control
        )
        return session.folder

    whole, part = run(tmp_path / "whole", None), run(tmp_path / "part", 30)
    resume(part)
    assert_same_run(whole, part)
    changes = [line for line in metrics_lines(part.metrics) if line["kind"] == "control"]
    assert [(line["first_step"], line["lr"]) for line in changes] == [(11, 0.05)]


def test_a_run_that_is_training_is_locked(tmp_path: Path) -> None:
    control = Control()
    session = start_run(settings(tmp_path), control, lambda progress: None)
    with pytest.raises(RunLocked):
        resume(session.folder)
    control.stop()
    session.train(control, [])
    assert resume(session.folder).state == "completed"


def test_a_run_does_not_resume_with_other_data(tmp_path: Path) -> None:
    session, _ = begin(settings(tmp_path, epochs=1))
    record = session.folder.read_record()
    values = {**record.values, "data_fingerprint": "0" * 16}
    session.folder.write_record(RunRecord.of(values))
    with pytest.raises(DamagedRun, match="digits"):
        resume(session.folder, epochs=2)


def test_the_threads_of_a_run_and_why_they_were_chosen_are_kept(tmp_path: Path) -> None:
    session, _ = begin(settings(tmp_path, epochs=1))
    before = session.folder.read_record()
    resume(session.folder, epochs=2)
    after = session.folder.read_record()
    assert "steps are too short" in before.threads_reason
    kept = (before.threads, before.threads_reason)
    assert (after.threads, after.threads_reason) == kept
    assert session.folder.log.read_text().count("with 1 thread (steps are too short") == 2
    resume(session.folder, epochs=3, threads=2)
    (change,) = metrics_lines(session.folder.metrics, "threads")
    assert (change["threads"], change["reason"]) == (2, "as requested")


def test_several_devices_are_of_the_recorded_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    session, _ = begin(settings(tmp_path, epochs=1, device="cpu"))
    values = {**json.loads(session.folder.run_json.read_text()), "device": "cuda:1"}
    session.folder.run_json.write_text(json.dumps(values))

    def refuse(requested: str) -> None:
        raise DeviceUnavailable(requested)

    monkeypatch.setattr(prepare, "choose_device", refuse)
    for devices, requested in ((1, "cuda:1"), (2, "cuda")):
        with pytest.raises(DeviceUnavailable, match=f"^{requested}$"):
            resume(session.folder, epochs=2, devices=devices)
    with pytest.raises(InvalidValue, match="not cuda:1, which is one device"):
        resume(session.folder, epochs=2, devices=2, device="cuda:1")
