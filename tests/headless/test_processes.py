"""tutorch as a process: it leaves no child processes, and Ctrl-C works at any moment."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.program import LONGEST, command, environment, tutorch

_TWO_RUNS = """
import signal
import psutil
from models import find_lecture
from models.loading.load import load_lecture
from tui_app.training.steering.control import Control
from tui_app.training.start import start_run
from tui_app.runs.settings.run_settings import resolve_settings

kept = []
for _ in range(2):
    control = Control()
    lecture = load_lecture(find_lecture("08_dataset"))
    wanted = resolve_settings(lecture, {"workers": 2, "device": "cpu"})
    session = start_run(wanted, control, lambda progress: None)
    control.run_steps(3)
    children = []

    def listen(event):
        if event.kind == "state" and not children:
            children.extend(psutil.Process().children())
            for child in children:  # Ctrl-Z reaches all of a job's processes, its end one alone
                child.send_signal(signal.SIGTSTP)
            control.run_steps(12)
        elif event.kind == "state" and event.state == "paused":
            control.stop()

    completed = session.train(control, [listen])
    kept.append(session)
    print(completed.state, len(children) >= 2, len(psutil.Process().children()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere other processes help too")
def test_the_workers_of_a_stopped_run_end_with_it():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _TWO_RUNS],
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("stopped True 0\n" * 2, "")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("module", ["tui_app.cli", "models", "numpy", "torch._C", "tyro"])
def test_ctrl_c_during_imports_prints_no_traceback(module: str):
    """The interpreter reports each module that it loads, and is interrupted after one."""
    program, *words = command("--no-tui", "05", "--epochs", 10**8)
    started = subprocess.Popen(
        [program, "-X", "importtime", *words],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stderr is not None
    for line in started.stderr:
        if line.rpartition("|")[2].strip() == module:
            break
    else:
        raise AssertionError(f"{module} was never loaded")
    started.send_signal(signal.SIGINT)
    out, err = started.communicate(timeout=LONGEST)
    assert (started.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert "KeyboardInterrupt" not in err


@pytest.mark.parametrize("argv", [("--no-tui", "05"), ("resume", "last"), ("attach", "last")])
def test_too_few_open_files_are_reported_before_training(argv, monkeypatch):
    monkeypatch.setattr("resource.getrlimit", lambda what: (12, 4096))
    ended = tutorch(*argv)
    assert (ended.exit_code, ended.out) == (1, "")
    said = " ".join(ended.err.split())
    assert said == "tutorch: `ulimit -n` allows 12 open files, tutorch needs 32 to train"
    assert tutorch("lectures").exit_code == 0
