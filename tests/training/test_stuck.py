"""User code that never returns: tutorch reports where it is, and every way to stop works."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest
from torch import nn

from datasets.reading.progress import LoadingStopped
from models import find_lecture
from models.user_files.trust import allow_named_file
from tests.pilot import Sitting, in_app
from tests.program import LONGEST, tutorch
from tests.terminal_program import Terminal
from tests.tolerances import FLOAT64
from tui_app.headless import run
from tui_app.headless.run_terminal import RunTerminal
from tui_app.monitoring import lecture_thread
from tui_app.monitoring.random_numbers import RANDOM_NUMBER_LOCK
from tui_app.runs.run_folder import RunFolder
from tui_app.training import watchdog
from tui_app.training.session import Session
from tui_app.training.steering.control import Control
from tui_app.training.watchdog import Watchdog

NET = '''
"""Stuck. Trains two steps, and then one that never ends."""
import threading
import time
from torch import nn
from models.lecture import Hyperparameters, Lecture

{AT_IMPORT}
class Stuck(nn.Linear):
    def __init__(self, spec, hyperparameters):
        super().__init__(1, 1)
        self.steps = 0
        {AT_INIT}

    def forward(self, x):
        self.steps += 1
        if self.steps > 20:
            {IN_FORWARD}
        return super().forward(x)

LECTURE = Lecture(
    title="Stuck", title_zh="卡", datasets=("study-hours",), model=Stuck, criterion=nn.MSELoss,
    hyperparameters=Hyperparameters(epochs=100),
)
'''

#: Code that never ends, in Python and in native code, and code that can't be interrupted.
SPIN = "while True: pass"
SLEEP = "time.sleep(1000)"
WAIT = "threading.Event().wait()"
WAITS_FOR_A_FILE = "while not __import__('os').path.exists('go'): pass"
STUBBORN = """while True:
                try:
                    time.sleep(1000)
                except BaseException:
                    pass"""

#: Runs the program with an impatient watchdog.
IMPATIENT = "import tui_app.training.watchdog as watchdog; watchdog.PATIENCE = 0.5"


def stuck(where: str, how: str) -> Path:
    """A net that is stuck at import, at init or in its forward, in the working folder."""
    holes = dict.fromkeys(("AT_IMPORT", "AT_INIT", "IN_FORWARD"), "pass") | {where: how}
    path = Path("my_net.py").resolve()
    path.write_text(NET.format(**holes), encoding="utf-8")
    allow_named_file(path)
    return path


def the_run() -> RunFolder:
    (run_json,) = Path("runs").glob("*/*/run.json")
    return RunFolder(run_json.parent)


def status() -> dict:
    return json.loads(the_run().status.read_text())


def when(condition: Callable[[], object], act: Callable[[], object]) -> threading.Thread:
    """Call `act` in a thread as soon as the condition holds."""

    def wait() -> None:
        end = time.monotonic() + LONGEST
        while not condition() and time.monotonic() < end:
            time.sleep(0.02)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def is_logged() -> bool:
    return any(
        "still inside forward" in log.read_text() for log in Path("runs").glob("*/*/log.txt")
    )


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(watchdog, "PATIENCE", 0.4)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize(
    ("how", "number", "code"), [(SPIN, signal.SIGINT, 130), (SLEEP, signal.SIGTERM, 143)]
)
def test_the_first_signal_ends_a_step_that_never_ends(how: str, number: signal.Signals, code: int):
    net = stuck("IN_FORWARD", how)
    asking = when(is_logged, lambda: os.kill(os.getpid(), number))
    ended = tutorch("--no-tui", net)
    asking.join()
    assert ended.exit_code == code
    assert "note: still inside forward, my_net.py line 18" in ended.err
    assert status()["state"] == "stopped"
    assert status()["exit_code"] == code
    assert status()["reason"].endswith(", inside forward, my_net.py line 18")
    # The steps before are saved, and the run resumes once its net is fixed.
    step = status()["step"]
    assert step > 0
    assert f"saved last.pt at step {step}" in the_run().log.read_text()
    stuck("IN_FORWARD", "pass")
    assert tutorch("resume", "last", "--no-tui", "--source", "current").exit_code == 0
    assert status()["step"] == 100


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_building_a_net_that_never_ends_can_be_stopped_too():
    net = stuck("AT_INIT", SLEEP)
    building = threading.Event()
    asking = when(building.is_set, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with patch.object(RunTerminal, "report", lambda terminal, text: building.set()):
        ended = tutorch("--no-tui", net)
    asking.join()
    assert ended.exit_code == 143
    assert ended.err == "tutorch: stopped by the TERM signal, inside __init__, my_net.py line 13\n"
    assert not list(Path("runs").glob("*/*"))


@pytest.mark.skipif(sys.platform == "win32", reason="a pty is POSIX")
def test_headless_abandons_a_step_that_nothing_interrupts():
    net = stuck("IN_FORWARD", STUBBORN)
    with Terminal("--no-tui", net, first=IMPATIENT) as terminal:
        terminal.shows("still inside forward, my_net.py line 2")
        terminal.press("\x03")
        assert terminal.exit_code() == 130
        assert terminal.raw.rfind(b"\x1b[?25h") > terminal.raw.rfind(b"\x1b[?25l")
        assert b"tutorch resume" in terminal.raw
    assert status()["state"] == "stopped"
    assert status()["exit_code"] == 130


@pytest.mark.skipif(sys.platform == "win32", reason="a pty is POSIX")
def test_the_app_quits_while_a_step_never_ends():
    stuck("IN_FORWARD", WAIT)
    with Terminal("my_net.py", first=IMPATIENT, size=(80, 24)) as terminal:
        terminal.shows("s Start", "Stuck")
        terminal.press("3")
        terminal.shows("weight decay")
        terminal.press("\x1b[15~")  # F5: the focus is in the form
        terminal.shows("training", "still inside forward, my_net.py line 18")
        terminal.press("\x03")
        terminal.shows("Stop, save, and leave")
        terminal.press("s")
        assert terminal.exit_code() == 0
        assert terminal.is_restored
    assert status()["state"] == "stopped"


async def begin(person: Sitting) -> None:
    await person.until(lambda: person.form.can_start)
    await person.press("f5")


@in_app("05", epochs=10**7)
async def test_a_step_in_native_code_is_abandoned_and_another_run_trains(person: Sitting):
    entered, leave = threading.Event(), threading.Event()

    def wait(*_: object) -> None:
        entered.set()
        leave.wait()

    await begin(person)
    await person.until(lambda: len(person.history.losses) > 0)
    first, folder = person.queue.current, RunFolder(person.folder)
    with patch.object(nn.Linear, "forward", wait):
        await person.until(lambda: "still inside" in person.text)
    await person.press("x")
    await person.trained()
    assert first.history.completed is not None
    assert first.history.completed.state == "stopped"
    left_behind = next(t for t in threading.enumerate() if t.name == "training")
    await begin(person)
    await person.until(lambda: person.queue.current is not first)
    await person.until(lambda: len(person.history.losses) > 0)
    # The folder is unlocked, and the abandoned thread can't write to it.
    folder.lock().release()
    recorded = folder.metrics.read_bytes()
    leave.set()
    await person.until(lambda: not left_behind.is_alive())
    assert folder.metrics.read_bytes() == recorded
    assert entered.is_set()


@pytest.mark.parametrize(
    "argv",
    [
        ("resume", "last", "--epochs", "101", "--no-tui"),
        ("evaluate", "last"),
        ("predict", "last", "4"),
        ("export", "last", "--out", "script.py"),
        ("show", "last", "--views"),
    ],
    ids=lambda argv: argv[0],
)
def test_a_command_reports_where_the_import_of_a_net_is_stuck(
    argv: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
):
    stuck("AT_IMPORT", WAITS_FOR_A_FILE)
    Path("go").touch()
    trained = tutorch("--no-tui", "my_net.py", "--epochs", "3")
    assert trained.exit_code == 0
    # As in a program that never imported the net's module.
    Path("elsewhere").mkdir()
    Path("my_net.py").rename("elsewhere/my_net.py")
    Path("go").unlink()
    reported: list[str] = []

    def tell(text: str) -> None:
        reported.append(text)
        Path("go").touch()

    monkeypatch.setattr(lecture_thread, "print_to_stderr", tell)
    assert tutorch(*argv).exit_code == 0
    assert reported == ["still inside my_net.py line 8. Ctrl-C ends it"]


@in_app("05")
async def test_an_import_that_never_ends_is_reported_and_another_lecture_loads(
    person: Sitting,
):
    net = stuck("AT_IMPORT", SPIN)
    await person.app.main.fill_form(net, {})
    await person.until(lambda: "still inside my_net.py line 8" in person.text)
    await person.app.main.fill_form(find_lecture("06"), {})
    await person.until(lambda: person.form.can_start)
    assert person.form.draft is not None
    assert person.form.draft.lecture.name.startswith("lecture_06")


@in_app("05")
async def test_a_probe_that_never_ends_holds_up_no_run(person: Sitting):
    await person.app.main.fill_form(stuck("AT_INIT", SPIN), {})
    await person.until(lambda: person.form.draft and person.form.draft.lecture.name == "my_net")
    person.app.main.choose_pane("model")
    await person.until(RANDOM_NUMBER_LOCK.locked)
    await person.app.main.fill_form(find_lecture("06"), {})
    await person.until(lambda: person.form.draft and person.form.draft.lecture.name != "my_net")
    await begin(person)
    await person.until(lambda: len(person.history.losses) > 0)


def watched(control: Control, monkeypatch: pytest.MonkeyPatch) -> tuple[Watchdog, list[str], list]:
    reported: list[str] = []
    interrupted: list[threading.Thread] = []
    monkeypatch.setattr(watchdog, "PATIENCE", 5.0)
    monkeypatch.setattr(watchdog, "interrupt", interrupted.append)
    thread = threading.current_thread()
    return (
        Watchdog(control, thread, reported.append, lambda stop, where: None),
        reported,
        interrupted,
    )


def test_steps_that_are_slow_from_the_start_are_reported_once(monkeypatch: pytest.MonkeyPatch):
    now, steps = [0.0], [0]
    monkeypatch.setattr(watchdog.time, "monotonic", lambda: now[0])
    control = Control()
    dog, reported, interrupted = watched(control, monkeypatch)
    control.begin_training(lambda: steps[0])
    for second in range(80):  # a step every eight seconds
        now[0], steps[0] = float(second), second // 8
        dog._check()
    assert len(reported) == 2
    assert reported[0].startswith("still inside ")
    assert reported[1] == ""
    control.stop("stop", 130)
    dog._check()
    assert not interrupted  # it may take three times as long as a step
    for second in range(80, 100):
        now[0] = float(second)
        dog._check()
    assert interrupted == [threading.current_thread()]


@pytest.mark.parametrize("suspended", [4.9, 3600.0])
def test_a_program_that_was_suspended_is_not_stuck(
    monkeypatch: pytest.MonkeyPatch, suspended: float
):
    now = [0.0]
    monkeypatch.setattr(watchdog.time, "monotonic", lambda: now[0])
    control = Control()
    dog, reported, interrupted = watched(control, monkeypatch)
    control.begin_training(lambda: 1)

    def check_for(seconds: float) -> None:
        for _ in range(int(seconds / 0.25)):
            now[0] += 0.25
            dog._check()

    check_for(4.5)
    now[0] += suspended
    dog._check()
    assert reported == []
    assert control.suspended == pytest.approx(suspended - 0.25, abs=FLOAT64)
    control.stop("stop", 130)
    check_for(1.0)
    assert (len(reported), len(interrupted)) == (
        1,
        1,
    )  # five seconds without progress, the suspension left out


def test_code_that_holds_the_gil_is_no_suspension(monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr(watchdog.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(watchdog.time, "process_time", lambda: now[0])
    control = Control()
    dog, reported, _ = watched(control, monkeypatch)
    control.begin_training(lambda: 1)
    for _ in range(5):
        now[0] += 4.0
        dog._check()
    assert control.suspended == 0
    assert len(reported) == 1


def test_a_run_that_saves_after_its_last_step_is_not_interrupted(monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr(watchdog.time, "monotonic", lambda: now[0])
    control = Control()
    dog, reported, interrupted = watched(control, monkeypatch)
    control.begin_training(lambda: 1)
    control.stop("stop", 130)
    control.begin_finishing()
    for second in range(100):
        now[0] = float(second)
        dog._check()
    assert (reported, interrupted) == ([], [])


def test_a_stuck_preparation_of_the_second_run_of_a_sweep_is_reported():
    """The run before was saving, which must not be interrupted; this one may be."""
    control = Control()
    control.begin_finishing()
    seen = []

    def make(control: Control, on_progress: object) -> Session:
        seen.append(control.is_finishing)
        raise LoadingStopped("seen")

    quiet = run.OutputOptions(quiet=True)
    with pytest.raises(LoadingStopped):
        run.train_one(make, control, quiet, RunTerminal(quiet.console()))
    assert seen == [False]
