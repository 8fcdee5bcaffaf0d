"""Shows a run that has ended: its sentence, its traceback, its bar, the times in its log."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.text import Text

from tests.pilot import Sitting, in_app
from tests.program import LONGEST, train, tutorch
from tui_app.app.screens.run import RunScreen
from tui_app.app.widgets.bar import Bar
from tui_app.app.widgets.clipped_text import clipped
from tui_app.app.widgets.log_pane import LogPane
from tui_app.monitoring.local_run import LocalRun
from tui_app.monitoring.recorded_run import RecordedRun
from tui_app.runs.run_folder import RunFolder
from tui_app.training.session_request import ResumeRequest

#: A net that raises in its third epoch, in a function of its own.
NET = '''
"""A net with a mistake."""

import torch
from torch import nn

from models.lecture import Hyperparameters, Lecture


class Net(nn.Module):
    def __init__(self, spec, hp):
        super().__init__()
        self.calls = 0
        self.layer = nn.Linear(1, 1)

    def forward(self, x):
        self.calls += 1
        return self.layer(torch.cat([x, x], dim=1) if self.calls > 7 else x)


LECTURE = Lecture(
    title="My net",
    title_zh="我的网络",
    datasets=("study-hours",),
    model=Net,
    criterion=nn.MSELoss,
    hyperparameters=Hyperparameters(optimizer="sgd", lr=0.01, batch_size="full", epochs=50),
)
'''
SHAPES = "mat1 and mat2 shapes cannot be multiplied"


@pytest.fixture
def my_net(tmp_path: Path) -> Path:
    path = tmp_path / "my_net.py"
    path.write_text(NET)
    return path


def log_of_only_run() -> list[str]:
    (log,) = Path("runs").glob("*/*/log.txt")
    return log.read_text().splitlines()


def test_a_users_mistake_is_explained_before_its_traceback_which_begins_in_the_users_file(my_net):
    assert tutorch("--no-tui", my_net).exit_code == 1
    lines = log_of_only_run()
    told = next(i for i, line in enumerate(lines) if "  failed: " in line)
    assert SHAPES in lines[told]
    assert lines[told + 1] == "Traceback (most recent call last):"
    assert "my_net.py" in lines[told + 2]
    assert lines[-1].startswith(f"RuntimeError: {SHAPES}")
    frames = [line for line in lines[told + 1 :] if line.startswith("  File ")]
    assert not any("tui_app" in line for line in frames)
    assert any("torch" in line for line in frames[1:]), "frames of torch below it stay"


def test_a_bug_of_tutorch_keeps_all_frames(monkeypatch):
    def broken(*arguments):
        raise RuntimeError("no mistake of the user's")

    monkeypatch.setattr("tui_app.training.loop._Loop.epoch", broken)
    assert tutorch("--no-tui", "05", "--epochs", 3).exit_code == 1
    frames = [line for line in log_of_only_run() if line.startswith("  File ")]
    assert any("session.py" in line for line in frames)
    assert any("loop.py" in line for line in frames)


def test_a_failed_run_says_why_above_its_chart_and_its_log_is_seen_from_there_on(my_net):
    @in_app(str(my_net), size=(80, 24))
    async def look(person: Sitting):
        await person.until(lambda: person.form.can_start)
        await person.press("f5")
        await person.trained()
        await person.until(lambda: "failed" in person.text and SHAPES in person.sentence)
        assert not person.said, "a toast would cover the chart"
        await person.press("5")
        await person.until(lambda: "Traceback (most recent call last)" in person.text)
        first, *rest = (line[1:-1].strip() for line in person.text.splitlines()[2:])
        assert "✗ failed: " in first
        assert any("in forward" in line for line in rest)
        log = [line.text for line in person.history.log.lines]
        assert log[-1].startswith(f"RuntimeError: {SHAPES}")
        assert sum(text.startswith("Traceback") for text in log) == 1
        person.app.open_run(RunFolder(person.folder))
        await person.until(lambda: isinstance(person.app.screen, RunScreen))
        await person.until(lambda: SHAPES in person.sentence)

    look()


def test_a_run_that_failed_before_its_first_step_promises_no_curve(my_net):
    my_net.write_text(NET.replace("nn.Linear(1, 1)", "nn.Linear(1, 2, 3, 4, 5)"))

    @in_app(str(my_net), size=(80, 24))
    async def look(person: Sitting):
        await person.until(lambda: person.form.can_start)
        await person.press("f5")
        await person.until(lambda: "The run ended before its first step." in person.text)
        assert "appears here" not in person.text

    look()


def test_a_finished_runs_bar_is_full_at_every_width_and_it_never_gets_ready():
    path = train("05", "--epochs", 5, "--runs-dir", "runs")
    followed = RecordedRun(RunFolder(path))
    assert followed.stage
    followed.poll()
    followed._restart()
    followed.poll()
    assert followed.history.state == "completed"

    @in_app("05", size=(120, 36))
    async def look(person: Sitting):
        person.app.open_run(RunFolder(path))
        await person.until(lambda: isinstance(person.app.screen, RunScreen))
        await person.until(lambda: "done" in person.text)
        for width in (84, 130, 60):
            await person.pilot.resize_terminal(width, 30)
            await person.pilot.pause()
            bar = person.app.screen.query_one(Bar)
            assert bar.render().plain == "━" * bar.size.width
            assert bar.size.width == width - 2
            assert "done" in person.text

    look()


def test_a_resumed_runs_log_keeps_the_times_and_the_day_of_the_earlier_session():
    path = train("05", "--epochs", 5, "--runs-dir", "runs")
    log = path / "log.txt"
    log.write_text(re.sub(r"(?m)^\S+ \S+  ", "2026-01-31 01:02:03  ", log.read_text()))
    wanted = ResumeRequest(RunFolder(path), epochs=8)
    run = LocalRun("resumed", wanted)
    run.start()
    assert run.join(LONGEST)
    run.poll()
    lines = run.history.log.lines
    assert lines[0].text == "2026-01-31"
    before = [line for line in lines if line.clock == "01:02:03"]
    assert any(line.text.startswith("epoch 5  ") for line in before)
    assert any("completed" in line.text for line in before)
    after = lines[lines.index(before[-1]) + 1 :]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", after[0].text)
    assert [line.text[:9] for line in after if line.text.startswith("epoch")] == [
        "epoch 6  ",
        "epoch 7  ",
        "epoch 8  ",
    ]
    assert all(line.clock != "01:02:03" for line in after)


@in_app("05", size=(80, 24))
async def test_the_log_is_seen_to_its_end_while_nothing_failed(person: Sitting):
    log = person.app.startup_log
    log.add("\n".join(f"line {number}" for number in range(99)), "output")
    await person.press("5")
    await person.until(lambda: "line 98" in person.text)
    log.add("a failure\nof two lines", "error")
    log.add("\n".join(f"frame {number}" for number in range(99)), "output")
    await person.until(lambda: "a failure" in person.text)
    assert "frame 0" in person.text
    assert "line 98" not in person.text
    assert person.app.screen.query_one(LogPane)


@pytest.mark.parametrize("width", [8, 20, 33])
def test_a_sentence_too_long_for_its_lines_ends_in_dots(width):
    sentence = Text("my_net.py line 18, in forward: RuntimeError: 处理多维特征的输入 " * 3)
    lines = clipped(sentence, width, 3)
    assert len(lines) == 3
    assert all(line.cell_len <= width for line in lines)
    assert [line.plain.endswith("…") for line in lines] == [False, False, True]
    assert not lines[-1].plain.endswith("……")
    whole = clipped(sentence, 500, 3)
    assert whole[0].plain == sentence.plain.rstrip()
    assert clipped(Text(), width, 3) == []
