"""Headless training in a separate process: on a terminal, in a pipe, and under signals."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pexpect
import pytest

from tests.program import LONGEST, command, environment, metrics_lines, train, tutorch
from tests.terminal_program import Terminal
from tui_app.terminal.display_options import DisplayOptions

#: Long enough to be stopped in the middle; one or two seconds otherwise.
RUN = ("--no-tui", "softmax", "--widths", "32", "--epochs", "40")

ENVIRONMENT = environment(TERM="xterm-256color", LC_ALL="C.UTF-8")

COLOURS = re.compile(r"\x1b\[[0-9;]*(?:3[0-9]|4[0-9]|9[0-7])[0-9;]*m")


def on_terminal(*argv: object, columns: int = 100, **variables: str) -> pexpect.spawn:
    words = command(*argv)
    return pexpect.spawn(
        words[0],
        words[1:],
        env={**ENVIRONMENT, "TUTORCH_CACHE_DIR": os.environ["TUTORCH_CACHE_DIR"], **variables},
        dimensions=(24, columns),
        encoding="utf-8",
        timeout=LONGEST,
    )


def exit_code(child: pexpect.spawn) -> int | None:
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


def measured(run: Path) -> tuple[list[float], list[dict]]:
    """Return every step's loss and every epoch's values, without times."""
    lines = list(metrics_lines(run / "metrics.jsonl"))
    losses = [loss for line in lines if line["kind"] == "steps" for loss in line["losses"]]
    names = ("epoch", "step", "train_loss", "test_loss", "test_accuracy")
    return losses, [{n: line[n] for n in names} for line in lines if line["kind"] == "epoch"]


def test_ctrl_c_saves_and_the_resumed_run_equals_an_uninterrupted_one():
    child = on_terminal(*RUN)
    child.expect("epoch 1 ")
    child.sendintr()
    assert exit_code(child) == 130
    (stopped,) = Path("runs").glob("*/*")
    assert tutorch("runs", "--json").json[0]["state"] == "stopped"
    assert len(measured(stopped)[1]) < 40
    assert tutorch("resume", "last", "--no-tui").exit_code == 0
    assert measured(stopped) == measured(train(*RUN[1:]))


def test_a_narrow_terminal_without_colours_gets_a_bar():
    child = on_terminal(*RUN[:4], "--epochs", 3, columns=4, NO_COLOR="1")
    assert exit_code(child) == 0
    shown = str(child.before)
    assert "\x1b[" in shown  # the bar is drawn and taken away again
    assert not COLOURS.search(shown)


def test_the_locale_c_draws_ascii_on_a_terminal_and_writes_utf_8_into_a_pipe(tmp_path: Path):
    child = on_terminal("--no-tui", "05", "--epochs", 400, columns=200, LC_ALL="C")
    assert exit_code(child) == 0
    assert str(child.before).isascii()
    assert "completed: all 400 epochs trained" in str(child.before)
    child = on_terminal("lectures", LC_ALL="POSIX")
    assert exit_code(child) == 0
    assert str(child.before).isascii() and "05_linear_regression" in str(child.before)
    listed = subprocess.run(
        command("lectures"), env=environment(LC_ALL="C"), capture_output=True, check=True
    )
    assert "多分类问题" in listed.stdout.decode("utf-8")


@pytest.mark.parametrize(
    ("variables", "ascii_only"),
    [
        ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, True),
        ({"LC_ALL": "POSIX"}, True),
        ({"LC_ALL": "C.UTF-8", "LANG": "C"}, False),
        ({}, False),  # a container that sets none
    ],
)
def test_the_app_draws_ascii_in_the_locale_c(
    variables: dict[str, str], ascii_only: bool, monkeypatch: pytest.MonkeyPatch
):
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("locale.getpreferredencoding", lambda do_setlocale: "utf-8")
    assert DisplayOptions.detect(fps=4, ascii_only=False).ascii is ascii_only


def test_a_second_ctrl_c_exits_immediately(tmp_path: Path):
    stuck = tmp_path / "stuck.py"
    stuck.write_text(
        "import threading\nfrom torch import nn\nfrom models.lecture import Lecture\n\n"
        "class Stuck(nn.Linear):\n"
        "    def forward(self, x):\n"
        "        if self.training:\n"
        '            print("stuck now", flush=True)\n'
        "            threading.Event().wait()\n"
        "        return super().forward(x)\n\n"
        'LECTURE = Lecture(title="Stuck", title_zh="卡", datasets=("study-hours",),\n'
        "    model=lambda spec, hyperparameters: Stuck(1, 1), criterion=nn.MSELoss)\n",
        encoding="utf-8",
    )
    child = on_terminal("--no-tui", stuck)
    child.expect("stuck now")
    child.sendintr()
    # Two that arrive together count as one: send until it has gone.
    for _ in range(100):
        if child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=0.2) == 0:
            break
        child.sendintr()
    child.close()
    # One that arrives while Python ends ends it as a signal does: 130 too, as a shell counts.
    assert child.exitstatus == 130 or child.signalstatus == signal.SIGINT


def test_term_saves_and_a_pipe_gets_no_control_codes():
    with subprocess.Popen(
        command(*RUN),
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as child:
        assert child.stderr is not None
        assert child.stdout is not None
        text = ""
        while "epoch 2 " not in text:
            text += child.stderr.readline()
        child.send_signal(signal.SIGTERM)
        text += child.stderr.read()
        run = Path(child.stdout.read().strip())
        assert child.wait() == 143
    assert "\x1b" not in text
    assert (run / "last.pt").is_file()
    assert tutorch("resume", run, "--no-tui", "--quiet").exit_code == 0


def test_ctrl_z_suspends_training_with_the_cursor_shown_and_fg_continues_it():
    with Terminal(*RUN, in_shell=True) as terminal:
        terminal.writes(b"epoch 1 ", b"\x1b[?25l")
        terminal.press("\x1a")
        terminal.writes(b"]+  Stopped")
        assert terminal.is_restored
        back = len(terminal.raw)
        terminal.press("fg\r")
        terminal.writes(b"completed: all 40 epochs trained", after=back)
        assert terminal.leave_shell() == 0
