"""A few pictures of the app in the middle of a run of recorded events.

After a change that is meant: `pytest tests/app/test_snapshots.py --snapshot-update`, and look.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from models import find_lecture
from tests.app.study_samples import SampleReader, sample_study
from tests.pilot import Sitting, recorded_run
from tests.program import LONGEST
from tui_app.app.app import TutorchApp
from tui_app.app.studies import study_reading
from tui_app.monitoring.run_queue import RunQueue


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine, its clock or its runs in a picture."""
    clock = SimpleNamespace(strftime=lambda form: "12:00:00")
    monkeypatch.setattr("tui_app.monitoring.log.time", clock)
    reading = "CPU  12 % of 8 cores  3.0 of 16 GiB"
    monkeypatch.setattr(
        "tui_app.app.widgets.machine_line.read_system_stats", lambda device: reading
    )
    devices = [("auto", "auto"), ("cpu, CPU, 8 threads", "cpu")]
    found = SimpleNamespace(choices=devices)
    monkeypatch.setattr("tui_app.app.app.TutorchApp.find_devices", lambda app: found)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setattr("textual.widgets.Input._toggle_cursor", lambda field: None)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)], ids="{0[0]}x{0[1]}".format)
def test_training_paused_in_the_middle(snap_compare, tmp_path, size):
    app = TutorchApp(find_lecture("softmax"), {"runs_dir": str(tmp_path / "runs")})

    async def watch(pilot) -> None:
        person = Sitting(app, pilot)
        await person.until(lambda: person.is_ready)
        app.queue = RunQueue([recorded_run(tmp_path / "runs")])
        app.main.watch_run()
        app.update_soon()
        await person.until(lambda: person.history.state == "paused")
        await person.until(lambda: "paused" in person.text and "3.0 of 16 GiB" in person.text)
        await pilot.pause()

    try:
        assert snap_compare(app, terminal_size=size, run_before=watch)
    finally:
        assert app.queue is not None
        app.queue.stop("the test is over")
        assert app.queue.current.join(LONGEST)


def test_settings_with_a_mistake(snap_compare, tmp_path):
    app = TutorchApp(find_lecture("softmax"), {"runs_dir": str(tmp_path / "runs"), "epochs": 5})

    async def mistake(pilot) -> None:
        person = Sitting(app, pilot)
        await person.until(lambda: person.is_ready)
        await person.press("3", "down", "down")
        await person.type("0")
        await person.until(lambda: "a whole number ≥ 1" in person.text)
        await pilot.pause()

    assert snap_compare(app, terminal_size=(80, 24), run_before=mistake)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids="{0[0]}x{0[1]}".format)
def test_a_study(snap_compare, tmp_path, monkeypatch, size):
    class Reader(SampleReader):
        answers = (sample_study(),)

    monkeypatch.setattr(study_reading, "StudyReader", Reader)
    app = TutorchApp(find_lecture("softmax"), {"runs_dir": str(tmp_path / "runs")})

    async def open_study(pilot) -> None:
        person = Sitting(app, pilot)
        await person.until(lambda: person.is_ready)
        app.open_study("lr-softmax")
        await person.until(lambda: "14/40 trials" in person.text and "trial 13" in person.text)
        await person.press("down", "down")
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=open_study)


def test_the_dialog_before_a_search(snap_compare, tmp_path):
    app = TutorchApp(find_lecture("softmax"), {"runs_dir": str(tmp_path / "runs")})

    async def ask(pilot) -> None:
        person = Sitting(app, pilot)
        await person.until(lambda: person.is_ready)
        person.draft.change("lr", "1e-4..1:log")
        person.draft.change("optimizer", "sgd|adam")
        person.form.check()
        await person.press("3")
        # The help below the form has found its height.
        await person.until(lambda: "─│\n│ The data to learn from" in person.text)
        await person.press("f5")
        await person.until(lambda: "softmax_classifier-lr-optimizer" in person.text)
        await pilot.pause()

    assert snap_compare(app, terminal_size=(80, 24), run_before=ask)
