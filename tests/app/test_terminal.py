"""The app on a real terminal: start, train, control, quit, signals, output of libraries."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from tests.program import LONGEST, metrics_lines, train
from tests.terminal_program import Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a pty is POSIX")

LONG = ("--epochs", 10**7, "--save-every", 1000)


def the_run() -> Path:
    """The one run folder."""
    (run_json,) = Path("runs").glob("*/*/run.json")
    return run_json.parent


def status() -> dict:
    return json.loads((the_run() / "status.json").read_text())


def begin(terminal: Terminal) -> None:
    """Wait for the form, start, wait for the first steps."""
    terminal.shows("s Start", "weight decay")
    terminal.press("s")
    terminal.shows("training", "epoch ")


def test_digits_are_trained_to_the_end_and_the_run_is_that_of_headless():
    with Terminal("softmax", "--epochs", 2) as terminal:
        terminal.shows("Softmax classifier", "digits, bundled", "s Start")
        terminal.press("s")
        terminal.shows("done", "epoch 2/2", "completed: all 2 epochs trained")
        terminal.press("q")
        assert terminal.exit_code() == 0
        assert terminal.is_restored
    assert status()["state"] == "completed"
    app, headless = the_run(), train("softmax", "--epochs", 2, "--runs-dir", "headless")
    assert losses(app) == losses(headless)
    ours, theirs = (torch.load(run / "best.pt", weights_only=True) for run in (app, headless))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    names = [sorted(file.name for file in run.iterdir()) for run in (app, headless)]
    assert names[0] == names[1]


def losses(run: Path) -> list[float]:
    return [
        loss for line in metrics_lines(run / "metrics.jsonl") for loss in line.get("losses", ())
    ]


def test_pause_change_the_lr_continue_stay_and_stop():
    with Terminal("05", *LONG) as terminal:
        begin(terminal)
        terminal.press(" ")
        terminal.shows("paused")
        terminal.press("l")
        terminal.shows("Learning rate from the next step on")
        terminal.press("0.002\r")
        terminal.until(lambda: "Learning rate from" not in terminal.text)
        terminal.press(" ")
        terminal.shows("training", "lr 0.002")
        terminal.press("q")
        terminal.shows("Stay here")
        terminal.press("b")
        terminal.until(lambda: "Stay here" not in terminal.text)
        terminal.press("\x03")
        terminal.shows("Stop, save, and leave")
        terminal.press("s")
        assert terminal.exit_code() == 0
        assert terminal.is_restored
    assert status()["state"] == "stopped"
    lines = map(json.loads, (the_run() / "metrics.jsonl").read_text().splitlines())
    assert [line["lr"] for line in lines if line["kind"] == "control"] == [0.002]


def test_quitting_can_keep_training_in_the_background():
    with Terminal("05", *LONG) as terminal:
        begin(terminal)
        terminal.press("q")
        terminal.shows("keep training")
        terminal.press("k")
        assert terminal.exit_code() == 0
        assert b"training continues as process" in terminal.raw
    before = status()["step"]
    pid = int(terminal.raw.rpartition(b"as process ")[2].split(b",")[0])
    try:
        wait(lambda: status()["pid"] == pid and status()["state"] == "running")
        wait(lambda: status()["step"] > before)
        assert os.getsid(pid) == pid
    finally:
        os.kill(pid, signal.SIGTERM)
    wait(lambda: status()["state"] == "stopped")


def wait(condition) -> None:
    end = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("number", "exit_code"),
    [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)],
    ids=["TERM", "INT", "HUP"],
)
def test_a_signal_saves_and_restores_the_terminal(number, exit_code):
    with Terminal("05", *LONG, "--on-hangup", "stop") as terminal:
        begin(terminal)
        terminal.signal(number)
        assert terminal.exit_code() == exit_code
        assert terminal.is_restored
    assert status()["state"] == "stopped"
    assert (the_run() / "last.pt").exists()


def test_a_hang_up_ends_no_training_and_attach_finds_it_again():
    # Digits: a look doesn't grow with the number of steps, as that of lecture 5 does.
    terminal = Terminal("softmax", "--widths", 8, *LONG)
    begin(terminal)
    pid = terminal.hang_up()
    try:
        os.kill(pid, signal.SIGCONT)  # as the system does when a terminal's shell ends
        before = status()["step"]
        wait(lambda: status()["step"] > before)
        os.kill(pid, signal.SIGTSTP)  # as SLURM suspends a job, and has it go on
        wait(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
        os.kill(pid, signal.SIGCONT)
        before = status()["step"]
        wait(lambda: status()["step"] > before)
        with Terminal("attach", "last") as other:
            other.shows("Pause", "Stop", "lr")
            other.press(" ")
            other.shows("Continue")
            assert status()["state"] == "paused"
            other.press("l")
            other.shows("Learning rate from the next step on")
            other.press("0.002\r")
            other.until(lambda: "Learning rate from" not in other.text)
            other.press(" ")
            other.shows("Pause", "lr 0.002")
            other.press("7")  # the model as it is now: it is saved when that is looked at
            first = shown_epoch(other)
            assert first > 0
            other.until(lambda: shown_epoch(other) > first)
            other.press("x")
            wait(lambda: status()["state"] == "stopped")
            other.press("q")
            code = other.exit_code()
            assert code == 0, other.raw[-3000:].decode()
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    _, waited = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(waited) == 0
    lines = map(json.loads, (the_run() / "metrics.jsonl").read_text().splitlines())
    assert [line["lr"] for line in lines if line["kind"] == "control"] == [0.002]
    assert "Traceback" not in (the_run() / "log.txt").read_text()


def shown_epoch(terminal: Terminal) -> int:
    """The epoch after which the model is that the Model pane shows."""
    found: list[str] = []
    terminal.until(
        lambda: found.extend(re.findall(r"after epoch (\d+), step", terminal.text)) or found
    )
    return int(found[0])


def test_a_shell_suspends_the_app_and_its_training_and_brings_both_back():
    with Terminal("05", *LONG, in_shell=True) as terminal:
        begin(terminal)
        pid = status()["pid"]
        os.kill(pid, signal.SIGTSTP)
        terminal.writes(b"tutorch is suspended, and so is its training: `fg`", b"]+  Stopped")
        assert terminal.is_restored
        before = status()["step"]
        terminal.press("bg\r")
        wait(lambda: status()["step"] > before)
        assert terminal.is_restored
        back = len(terminal.raw)
        terminal.press("fg\r")
        terminal.writes(b"\x1b[?1049h", b"Pause", after=back)
        # As nothing that a program hears: its screen is still there, and the shell's line in it.
        back = len(terminal.raw)
        os.kill(pid, signal.SIGSTOP)
        terminal.writes(b"]+  Stopped", after=back)
        os.kill(pid, signal.SIGCONT)
        before = status()["step"]
        wait(lambda: status()["step"] > before)
        back = len(terminal.raw)
        terminal.press("fg\r")
        terminal.writes(b"\x1b[?1049h", b"Pause", after=back)
        terminal.press("q")
        terminal.writes(b"Stay here", after=back)
        terminal.press("s")
        wait(lambda: status()["state"] == "stopped")
        assert terminal.leave_shell() == 0
        assert terminal.is_restored
    assert "still inside" not in (the_run() / "log.txt").read_text()


def test_a_terminal_that_is_gone_without_a_signal_is_left():
    blocked = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])"
    terminal = Terminal("05", first=blocked)
    terminal.shows("s Start", "weight decay")
    pid = terminal.hang_up()
    wait(lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 129


def test_a_terminal_that_reads_no_more_does_not_stop_a_signal():
    with Terminal("05", *LONG) as terminal:
        begin(terminal)
        terminal.fill()
        terminal.signal(signal.SIGTERM)
        wait(lambda: status()["state"] == "stopped")
        assert terminal.exit_code() == 143


NOISY = '''
"""Noise. A lecture that writes where it should not."""
import os
import torch
from torch import nn
from models.lecture import Hyperparameters, Lecture

class Noisy(nn.Module):
    def __init__(self, spec, hyperparameters):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(1))
    def forward(self, x):
        os.write(1, b"from the depths of C\\n")
        print("printed")
        os.write(2, b"\\x1b[31mand in red\\n")
        return x * self.w

LECTURE = Lecture(
    title="Noise", title_zh="Noise", datasets=("study-hours",), model=Noisy, criterion=nn.MSELoss,
    hyperparameters=Hyperparameters(epochs=3, batch_size="full"),
)
'''


def test_prints_go_to_the_log_and_not_onto_a_narrow_screen(tmp_path: Path):
    (tmp_path / "noisy.py").write_text(NOISY)
    with Terminal("noisy.py", size=(80, 24)) as terminal:
        terminal.shows("Noise")
        terminal.press("3")
        terminal.shows("study-hours, bundled")
        terminal.press("\x1b[15~")  # F5: the focus is in the form
        terminal.shows("done", "loss")
        terminal.press("5")
        terminal.shows("┆ from the depths of C", r"┆ \x1b[31mand in red", "┆ printed")
        terminal.resize(50, 12)
        terminal.shows("tutorch needs 60x16", "loss")
        terminal.press("q")
        assert terminal.exit_code() == 0


def test_worker_processes_of_a_data_loader_work_inside_the_app():
    with Terminal("dataloader", "--workers", 2, "--epochs", 2) as terminal:
        terminal.shows("s Start", "weight decay")
        terminal.press("s")
        terminal.shows("done", "epoch 2/2")
        terminal.press("q")
        assert terminal.exit_code() == 0
        assert terminal.is_restored


def test_without_colour_and_in_ascii_and_whatever_size_a_shell_exported():
    variables: dict[str, Any] = {"NO_COLOR": "1", "LINES": "20", "COLUMNS": "70"}
    with Terminal("05", "--epochs", 300, "--ascii", size=(120, 36), **variables) as terminal:
        terminal.shows("Linear regression", "study-hours, bundled", "s Start")
        terminal.press("s")
        terminal.shows("done")
        assert terminal.text.isascii()
        assert b"\x1b[38;2" not in terminal.raw
        terminal.press("q")
        assert terminal.exit_code() == 0
