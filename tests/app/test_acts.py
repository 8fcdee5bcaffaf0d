"""Trains, steps, stops and reads runs in the app by its keys, and checks the screen."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from textual.widgets import DataTable, Input

from datasets.reading.progress import LoadingStopped
from models import find_lecture
from tests.pilot import Sitting, in_app
from tests.program import LONGEST, train
from tui_app.app.dialogs.choice_question import ChoiceQuestion
from tui_app.app.dialogs.text_question import TextQuestion
from tui_app.app.screens.compare import CompareScreen
from tui_app.app.screens.help import HelpScreen
from tui_app.app.screens.run import RunScreen
from tui_app.app.screens.runs_screen.runs import RunsScreen
from tui_app.app.screens.source import SourceScreen
from tui_app.app.widgets.chart import Chart
from tui_app.app.widgets.choice_field import ChoiceField
from tui_app.app.widgets.lecture_list import LectureList
from tui_app.app.widgets.log_pane import LogPane
from tui_app.app.widgets.setting_row import SEVERAL, SettingRow
from tui_app.monitoring.local_run import LocalRun
from tui_app.training.steering.control import Control

LONG = 10**7


def row_of(person: Sitting, name: str) -> SettingRow:
    return next(row for row in person.form.query(SettingRow) if row.field.name == name)


async def start(person: Sitting) -> None:
    await person.until(lambda: person.form.can_start)
    await person.press("f5")
    await person.until(lambda: person.history.step > 0)


# Lectures


@in_app()
async def test_the_list_has_every_lecture_in_the_courses_order(person: Sitting):
    lectures = person.app.main.query_one(LectureList)
    assert lectures.option_count >= 18
    assert lectures.get_option_at_index(0).id == "lecture_02_linear_model"
    assert "Linear model" in person.text
    assert "线性模型" in person.text


@in_app()
async def test_choosing_a_lecture_shows_its_lesson_and_its_settings(person: Sitting):
    await person.press("down")
    await person.until(lambda: "Lesson 03 Gradient descent" in person.text)
    await person.until(lambda: person.form.border_subtitle == "lecture_03_gradient_descent")
    await person.press("enter")
    assert person.focused() is not None
    assert person.form.has_focus_within


@in_app(size=(120, 36))
async def test_the_lessons_title_and_text_change_in_one_frame(person: Sitting):
    await person.until(lambda: "Lesson 02 Linear model" in person.text)
    seen = []

    def frame() -> bool:
        text = person.text
        seen.append(("Lesson 03" in text, "Walk downhill" in text))
        return seen[-1] == (True, True)

    paint = person.app.screen._compositor_refresh
    person.app.screen._compositor_refresh = lambda: (paint(), frame())[0]
    await person.press("down")
    await person.until(lambda: (True, True) in seen)
    assert set(seen) <= {(False, False), (True, True)}


@in_app()
async def test_the_lesson_in_the_other_language(person: Sitting):
    person.app.in_chinese = False
    await person.press("z")
    await person.until(lambda: "Lesson 02 线性模型" in person.text)


@in_app(epochs=3)
async def test_the_list_marks_what_was_trained(person: Sitting):
    await start(person)
    await person.trained()
    await person.press("1")
    await person.until(lambda: "● 18.67" in person.text or "●" in person.text.split("\n")[2])


# Settings


@in_app("softmax")
async def test_an_invalid_value_is_explained_below_its_field_and_start_is_disabled(person: Sitting):
    row = row_of(person, "lr")
    row.focus_field()
    await person.press("ctrl+u")
    await person.type("-1")
    await person.until(lambda: "lr: a number > 0, not '-1'" in row.problem)
    await person.until(lambda: "lr: a number > 0" in person.text)
    assert not person.form.can_start
    await person.press("f9")
    await person.until(lambda: person.form.can_start)
    assert not row.is_changed


@in_app("softmax")
async def test_what_is_typed_faster_than_it_is_checked_stays_in_its_order(person: Sitting):
    row = row_of(person, "lr")
    row.focus_field()
    await person.press("ctrl+u")
    field = row.query_one(Input)
    for char in "0.001,0.01":
        field.insert_text_at_cursor(char)
        row.on_input_changed(Input.Changed(field, field.value))
    await person.until(lambda: person.form.draft and person.form.draft.text("lr") == "0.001,0.01")
    await person.pilot.pause()
    field.insert_text_at_cursor(",")
    assert field.value == "0.001,0.01,"


@in_app("softmax")
async def test_changed_values_are_marked_and_reset_at_once(person: Sitting):
    row_of(person, "epochs").focus_field()
    await person.type("7")
    await person.until(lambda: row_of(person, "epochs").is_changed)
    await person.press("ctrl+y")
    await person.until(lambda: not row_of(person, "epochs").is_changed)
    assert row_of(person, "epochs").text == "20"


@in_app("softmax")
async def test_a_data_set_has_its_own_defaults_and_shows_where_it_is(person: Sitting):
    row_of(person, "dataset").focus_field()
    await person.press("enter")
    await person.until(lambda: "mnist, to fetch, 11.6 MB" in person.text)
    assert "digits, bundled" in person.text
    await person.press("down", "enter")
    await person.until(lambda: row_of(person, "lr").text == "0.01")


@in_app("softmax")
async def test_a_setting_without_effect_is_dimmed(person: Sitting):
    row_of(person, "optimizer").focus_field()
    await person.press("right", "right")
    await person.until(lambda: row_of(person, "momentum").is_useless)
    assert row_of(person, "optimizer").text == "adam"
    assert person.form.can_start


@in_app("softmax")
async def test_available_devices_are_offered(person: Sitting):
    choice = row_of(person, "device").query_one(ChoiceField)
    await person.until(lambda: any(label.startswith("cpu, CPU") for label, _ in choice.choices))
    assert len(choice.choices) >= 2


@in_app("softmax", epochs=3, lr=0.05)
async def test_the_command_lines_settings_fill_the_form(person: Sitting):
    assert row_of(person, "epochs").text == "3"
    assert row_of(person, "lr").text == "0.05"


# Training


@in_app("logistic", epochs=30)
async def test_a_run_is_trained_and_its_chart_drawn(person: Sitting):
    await start(person)
    await person.trained()
    await person.until(lambda: "done" in person.text)
    assert "epoch 30/30" in person.text
    assert person.history.completed.state == "completed"
    assert person.history.step == 30
    await person.until(lambda: "completed: all 30 epochs trained" in person.text)


@in_app("03", epochs=LONG)
async def test_pause_step_epoch_and_continue(person: Sitting):
    await start(person)
    await person.press("space")
    await person.until(lambda: person.history.state == "paused")
    await person.until(lambda: "paused" in person.text)
    before = person.history.step
    await person.press("full_stop")
    await person.until(lambda: person.history.step == before + 1)
    await person.press("e")
    await person.until(lambda: person.history.step == before + 2)  # an epoch is one step here
    await person.press("f6")
    await person.until(lambda: person.history.state == "running")
    await person.until(lambda: person.history.step > before + 10)


@in_app("softmax", epochs=LONG)
async def test_the_epoch_key_goes_to_the_end_of_the_epoch(person: Sitting):
    await start(person)
    await person.press("space")
    await person.until(lambda: person.history.state == "paused")
    await person.press("full_stop", "e")
    history = person.history
    await person.until(lambda: history.step == 23 * history.epoch and history.state == "paused")


@in_app("05", epochs=LONG)
async def test_the_lr_is_changed_in_the_middle_of_a_run(person: Sitting):
    await start(person)
    # A Pilot waits after each key until the app idles, which it hardly does beside such a run.
    await person.press("space")
    await person.until(lambda: person.history.state == "paused")
    await person.press("l")
    await person.until(lambda: isinstance(person.app.screen, TextQuestion))
    await person.type("nonsense")
    await person.press("enter")
    assert "A learning rate is a number above 0." in person.text
    await person.press("ctrl+u")
    await person.type("0.025")
    await person.press("enter")
    await person.until(lambda: person.history.lr_changes)
    change = person.history.lr_changes[0]
    assert change.lr == 0.025
    await person.until(lambda: "lr 0.025" in person.text)
    lines = (person.folder / "metrics.jsonl").read_text().splitlines()
    assert any(json.loads(line)["kind"] == "control" for line in lines)


@in_app("03", epochs=LONG)
async def test_save_and_stop(person: Sitting):
    await start(person)
    await person.press("w")
    await person.until(
        lambda: any("saved last.pt" in line.text for line in person.history.log.lines)
    )
    await person.press("x")
    await person.trained()
    assert person.history.completed.state == "stopped"
    await person.until(lambda: person.form.can_start)


@in_app("softmax")
async def test_smoothing_scale_axis_panels_and_cursor(person: Sitting):
    await start(person)
    await person.trained()
    chart = person.app.main.query_one(Chart)
    await person.press("plus")
    assert chart.view.span == 30
    await person.press("minus", "minus", "minus")
    assert chart.view.span == 1
    await person.press("g", "a")
    assert chart.view.log
    assert chart.view.axis == "epoch"
    await person.press("m")
    assert chart.view.panels == "loss"
    chart.focus()
    await person.press("left", "left")
    await person.until(lambda: "step 4" in person.text and "97.49 %" in person.text)
    await person.press("escape")
    assert chart.view.cursor is None


@in_app("softmax")
async def test_the_log_is_searched(person: Sitting):
    await start(person)
    await person.trained()
    await person.press("5", "slash")
    await person.type("epoch 7")
    await person.press("enter")
    log = person.app.main.query_one(LogPane)
    assert log._found >= 0
    await person.press("c")
    assert "epoch 7  " in person.app.clipboard


@in_app()
async def test_markup_in_the_log_is_text(person: Sitting):
    person.app.startup_log.add("[bold]x[/bold] \x1b[31mred", "output")
    await person.press("5")
    await person.until(lambda: r"[bold]x[/bold] \x1b[31mred" in person.text)


# Errors


@in_app("softmax")
async def test_a_failure_leaves_the_app_and_the_form_ready(person: Sitting, monkeypatch):
    def fail(*arguments, **options):
        raise RuntimeError("boom [red]")

    monkeypatch.setattr("tui_app.training.start.start_run", fail)
    await person.until(lambda: person.form.can_start)
    await person.press("f5")
    await person.trained()
    await person.until(lambda: "RuntimeError: boom [red]" in person.text)
    await person.until(lambda: any("Traceback" in line.text for line in person.history.log.lines))
    await person.until(lambda: person.form.can_start)


@in_app("05", lr=10.0, epochs=1000)
async def test_a_run_that_diverges_says_so_and_what_to_try(person: Sitting):
    await person.until(lambda: person.form.can_start)
    await person.press("f5")
    await person.trained()
    assert person.history.completed.state == "failed"
    await person.until(lambda: "Try lr" in person.text)


@in_app("softmax", dataset="mnist")
async def test_unavailable_data_is_explained(person: Sitting):
    await person.until(lambda: person.form.can_start)
    await person.press("f5")
    await person.trained()
    queue = person.app.queue
    assert queue is not None
    assert queue.current.failure is not None
    assert queue.current.failure.exit_code == 3
    await person.until(lambda: person.form.can_start)


@in_app("softmax")
async def test_preparing_can_be_cancelled(person: Sitting, monkeypatch):
    from datasets.reading.progress import LoadingStopped

    def wait(settings, control: Control, *rest: object):
        while control.stop_request is None:
            control.wait(0.05)
        raise LoadingStopped("stopped")

    monkeypatch.setattr("tui_app.training.start.start_run", wait)
    await person.until(lambda: person.form.can_start)
    await person.press("f5")
    await person.until(lambda: person.app.queue is not None and person.app.queue.is_alive)
    await person.press("x")
    await person.trained()
    await person.until(lambda: "cancelled" in person.text)


# Queue


@in_app("logistic", epochs=20)
async def test_several_values_make_several_runs(person: Sitting):
    row = row_of(person, "lr")
    row.focus_field()
    await person.press("ctrl+u")
    await person.type("0.1,0.05")
    await person.until(lambda: "Start 2 runs" in person.text)
    await person.press("f5")
    await person.trained()
    queue = person.app.queue
    assert queue is not None
    assert [run.title for run in queue.runs] == ["lr=0.1", "lr=0.05"]
    assert all(run.history.completed is not None for run in queue.runs)
    await person.until(lambda: "vs. first run" in person.text and "lr=0.05" in person.text)
    await person.press("v")
    assert person.app.main.query_one(Chart).display


@in_app("03", epochs=LONG)
async def test_several_choices_are_typed_and_stopping_ends_the_queue(person: Sitting):
    row = row_of(person, "dataset")
    row.query_one(ChoiceField).choose(SEVERAL)
    await person.until(lambda: isinstance(person.focused(), Input))
    await person.press("ctrl+u")
    await person.type("study-hours,noisy-line")
    await person.until(lambda: "Start 2 runs" in person.text)
    await start(person)
    queue = person.app.queue
    assert queue is not None
    assert queue.waiting == 1
    await person.press("x")
    await person.trained()
    second = queue.runs[1]
    assert isinstance(second, LocalRun)
    assert not second.has_started


# Leaving


@in_app("03", epochs=LONG)
async def test_leaving_while_training_asks_and_stays(person: Sitting):
    await start(person)
    await person.press("q")
    await person.until(lambda: isinstance(person.app.screen, ChoiceQuestion))
    await person.press("escape")
    assert person.app.queue is not None
    assert person.app.queue.is_alive


@in_app("03", epochs=LONG)
async def test_leaving_can_stop_and_save(person: Sitting):
    await start(person)
    await person.press("ctrl+q")
    await person.press("s")
    await person.until(lambda: person.app._exit)
    assert json.loads((person.folder / "status.json").read_text())["state"] == "stopped"
    assert person.app.handed_over is None


@in_app("03", epochs=LONG)
async def test_leaving_can_keep_training(person: Sitting):
    await start(person)
    await person.press("ctrl+c")
    await person.press("k")
    await person.until(lambda: person.app._exit)
    assert person.app.handed_over == person.folder


@in_app("03", epochs=LONG)
async def test_a_second_ctrl_c_stops_saves_and_leaves(person: Sitting):
    await start(person)
    await person.press("ctrl+c", "ctrl+c")
    await person.until(lambda: person.app._exit)
    assert json.loads((person.folder / "status.json").read_text())["state"] == "stopped"
    assert person.app.handed_over is None


@in_app("softmax")
async def test_a_run_without_a_folder_can_be_cancelled_but_not_kept(person: Sitting, monkeypatch):
    is_cancelled = threading.Event()

    def prepare(*arguments: object) -> None:
        is_cancelled.wait(LONGEST)
        raise LoadingStopped("cancelled")

    monkeypatch.setattr("tui_app.training.start.start_run", prepare)
    await person.until(lambda: person.form.can_start)
    await person.press("f5")
    await person.until(lambda: person.app.queue and person.app.queue.is_alive)
    await person.press("ctrl+q")
    await person.until(lambda: "hasn't begun to train" in person.text)
    assert "keep training" not in person.text
    await person.press("s")
    is_cancelled.set()
    await person.until(lambda: person.app._exit)


@in_app()
async def test_quitting_asks_nothing_while_nothing_trains(person: Sitting):
    await person.press("q")
    await person.until(lambda: person.app._exit)


# Earlier runs


@pytest.fixture
def two_runs(tmp_path: Path) -> list[Path]:
    return [
        train("06", "--epochs", 5, "--runs-dir", "runs"),
        train("06", "--epochs", 5, "--lr", 0.5, "--runs-dir", "runs"),
    ]


async def to_runs(person: Sitting, rows: int) -> None:
    await person.press("r")
    await person.until(lambda: isinstance(person.app.screen, RunsScreen))
    table = person.app.screen.query_one(DataTable)
    await person.until(lambda: table.row_count == rows)


def test_runs_are_listed_with_what_sets_them_apart(two_runs):
    @in_app("06")
    async def look(person: Sitting):
        await to_runs(person, 2)
        assert "lr=0.5" in person.text
        assert "06 logistic regression" in person.text
        await person.press("slash")
        await person.type("lr=0.5")
        await person.until(lambda: person.app.screen.query_one(DataTable).row_count == 1)
        await person.press("escape")
        await person.until(lambda: person.app.screen.query_one(DataTable).row_count == 2)
        await person.press("s")
        await person.until(lambda: "by lecture" in person.text)

    look()


def test_a_run_is_opened_with_chart_and_log(two_runs):
    @in_app("06")
    async def look(person: Sitting):
        await to_runs(person, 2)
        await person.press("enter")
        await person.until(lambda: isinstance(person.app.screen, RunScreen))
        await person.until(lambda: "epoch 5/5" in person.text and "all 5 epochs" in person.text)
        await person.press("g")
        assert person.app.screen.query_one(Chart).view.log
        await person.press("escape")
        assert isinstance(person.app.screen, RunsScreen)

    look()


def test_runs_are_compared(two_runs):
    @in_app("06")
    async def look(person: Sitting):
        await to_runs(person, 2)
        await person.press("space", "space", "c")
        await person.until(lambda: isinstance(person.app.screen, CompareScreen))
        await person.until(lambda: "lr=0.5" in person.text and "2 runs compared" in person.text)
        await person.press("m", "g", "a", "plus")
        assert "epoch" in person.text

    look()


def test_a_finished_run_is_extended_and_an_unfinished_one_resumed(two_runs):
    @in_app("06")
    async def look(person: Sitting):
        await to_runs(person, 2)
        await person.press("g")
        await person.until(lambda: any("All epochs are done" in said for said in person.said))
        await person.press("e")
        await person.until(lambda: isinstance(person.app.screen, TextQuestion))
        await person.press("ctrl+u")
        await person.type("8")
        await person.press("enter")
        await person.until(lambda: person.app.queue is not None)
        await person.trained()
        assert person.history.epoch == 8
        assert len(person.history.losses) == 8  # what was trained before is in the chart too

    look()


def test_a_new_run_from_the_settings_of_an_old_one(two_runs):
    @in_app("02")
    async def look(person: Sitting):
        await to_runs(person, 2)
        await person.press("n")
        await person.until(
            lambda: person.form.draft and person.form.draft.lecture.name.startswith("lecture_06")
        )
        assert person.form.draft is not None
        assert person.form.draft.texts["lr"] == "0.5"
        assert person.form.draft.texts["epochs"] == "5"

    look()


def test_a_note_is_kept_with_the_run(two_runs):
    @in_app("06")
    async def look(person: Sitting):
        await to_runs(person, 2)
        await person.press("t")
        await person.until(lambda: isinstance(person.app.screen, TextQuestion))
        await person.type("good")
        await person.press("enter")
        await person.until(lambda: "good" in person.text)
        assert (two_runs[1] / "note.txt").read_text() == "good"

    look()


def test_a_run_is_moved_to_the_trash_and_brought_back(two_runs):
    @in_app("06")
    async def look(person: Sitting):
        await to_runs(person, 2)
        await person.press("d")
        await person.until(lambda: isinstance(person.app.screen, ChoiceQuestion))
        await person.press("d")
        table = person.app.screen.query_one(DataTable)
        await person.until(lambda: table.row_count == 1)
        assert not two_runs[1].exists()
        await person.press("u")
        await person.until(lambda: table.row_count == 2)
        assert two_runs[1].exists()

    look()


# Help


@in_app()
async def test_help_keys_palette_and_source(person: Sitting):
    await person.press("f1")
    await person.until(lambda: isinstance(person.app.screen, HelpScreen))
    await person.until(lambda: "The course in its order" in person.text)
    await person.press("escape", "question_mark")
    await person.until(lambda: "Start training with these settings" in person.text)
    await person.press("escape", "o")
    await person.until(lambda: isinstance(person.app.screen, SourceScreen))
    source = find_lecture("02").read_text(encoding="utf-8").splitlines()
    await person.until(lambda: source[0].strip('"') in person.text)
    await person.press("escape", "colon")
    await person.until(lambda: "CommandPalette" in type(person.app.screen).__name__)
    await person.type("log scale")
    await person.until(lambda: "Switch to a logarithmic scale" in person.text)
