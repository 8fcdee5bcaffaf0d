"""The screen of runs: its columns at each width, marks, the trash, the cursor."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from textual.widgets import DataTable

from tests.pilot import Sitting, in_app
from tests.runs.cluster_commands import ClusterCommands
from tui_app.app.dialogs.choice_question import ChoiceQuestion
from tui_app.app.run_summaries import about, best_by_lecture, cells, matches, widths
from tui_app.app.screens.compare import CompareScreen
from tui_app.app.screens.run import RunScreen
from tui_app.app.screens.runs_screen.runs import RunsScreen
from tui_app.runs.job_record import JobRecord
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_table import RunRow, RunTable, write_note
from tui_app.text.quantities import short_count, short_loss

LECTURES = ("lecture_07_multiple_dimension_input", "lecture_05_linear_regression", "my_net")


def run_of(number: int, **status: Any) -> RunFolder:
    """A run folder with a run.json and a status.json."""
    lecture = LECTURES[number % 3]
    folder = RunFolder(Path("runs") / lecture / f"20260131-1200{number:02}-abcd")
    folder.path.mkdir(parents=True)
    metric = "test_accuracy" if number % 3 == 0 else "train_loss"
    record = {
        "schema_version": 1,
        "lecture": lecture,
        "dataset": "breast-cancer" if number % 3 == 0 else "study-hours",
        "hyperparameters": {"epochs": 20_000_000, "lr": 0.1 * number, "optimizer": "adam"},
        "metric": metric,
        "created": time.time() - 100_000 * (25 - number),
    }
    folder.run_json.write_text(json.dumps(record))
    state = {"state": "stopped", "epoch": 123_456, "metric": metric, "best_epoch": 1}
    state |= {"best_value": 0.875 if number % 3 == 0 else 3.14159e-7, "reason": "stopped by you"}
    folder.status.write_text(json.dumps(state | status))
    return folder


@pytest.fixture
def twenty() -> list[RunFolder]:
    """The oldest first."""
    return [run_of(number) for number in range(20)]


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClusterCommands:
    """A cluster on which job 123 waits."""
    commands = ClusterCommands(tmp_path / "bin", monkeypatch)
    commands.add("squeue", "echo '123|PENDING|Priority'")
    return commands


async def to_runs(person: Sitting, rows: int) -> DataTable[Any]:
    await person.press("r")
    await person.until(lambda: isinstance(person.app.screen, RunsScreen))
    table = person.app.screen.query_one(DataTable)
    await person.until(lambda: table.row_count == rows)
    return table


async def asked(person: Sitting) -> None:
    await person.until(
        lambda: isinstance(person.app.screen, ChoiceQuestion) and "Esc" in person.text
    )


def at_cursor(person: Sitting) -> str:
    screen = person.app.screen
    assert isinstance(screen, RunsScreen)
    assert screen.runs.row is not None
    return screen.runs.row.folder.name


# What is seen


@pytest.mark.parametrize("width", [57, 79, 100, 119, 159, 250])
def test_a_row_fits_its_width_and_what_is_cut_ends_in_dots(twenty, width):
    write_note(twenty[0], "a note that is much too long for the table " * 4)
    row = RunTable(Path("runs")).rows()[-1]
    chosen = widths(width)
    texts = cells(row, time.time(), chosen, marked=True)
    assert sum(chosen.values()) + 2 * len(chosen) <= width
    whole = cells(row, time.time(), dict.fromkeys(chosen, 500), marked=False)
    for text, all_of_it, room in zip(texts, whole, chosen.values(), strict=True):
        assert text.cell_len <= room
        assert text.plain.endswith("…") == (len(all_of_it.plain.strip()) > room)
    by_key = dict(zip(chosen, (text.plain.strip() for text in texts), strict=True))
    assert by_key["age"].startswith("●")
    assert (by_key["best"], by_key["epochs"], by_key["state"]) == ("87.50 %", "123k/20M", "stopped")
    assert ("data" in chosen) == (width > 57)
    assert ("note" in chosen) == (width > 119)


def test_a_trial_that_a_search_ended_early_is_pruned():
    run_of(0, reason="pruned at epoch 7: below the median of 5 trials")
    row = RunTable(Path("runs")).rows()[0]
    assert "pruned" in [text.plain for text in cells(row, time.time(), widths(100), marked=False)]
    assert about(row, 80).plain.split("\n")[1].startswith("pruned at epoch 7")
    assert matches(row, "pruned")


def test_what_the_table_has_no_room_for_stands_below_it(twenty):
    write_note(twenty[1], "my note\nof two lines")
    row = RunTable(Path("runs")).rows()[-2]
    name, why, settings, note = about(row, 60).plain.split("\n")
    assert name == "lecture_05_linear_regression/20260131-120001-abcd"
    assert why == "stopped by you"
    assert "lr=0.1" in settings and "optimizer=adam" in settings
    assert note == "note: my note of two lines"
    assert all(cell_len(line) <= 20 for line in about(row, 20).plain.split("\n"))
    assert about(row, 20).plain.split("\n")[0].endswith("…")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (3.14159e-7, "3.1e-07"),
        (0.0079151, "0.00792"),
        (0.13961, "0.1396"),
        (2.3025, "2.303"),
        (4815926.0, "4.8e+06"),
        (float("inf"), "inf"),
    ],
)
def test_a_loss_is_written_in_seven_cells_and_is_never_zero_when_it_is_not(value, text):
    assert short_loss(value) == text
    assert len(text) <= 7


def test_counts_are_shortened():
    counts = (0, 9999, 10_000, 27_562, 10_000_000, 1_234_567_890)
    assert [short_count(count) for count in counts] == ["0", "9999", "10k", "27.6k", "10M", "1.23G"]


def test_the_list_of_lectures_says_what_its_number_is(twenty):
    summaries = [row.summary for row in RunTable(Path("runs")).rows()]
    best = {lecture: trained.best for (lecture, _), trained in best_by_lecture(summaries).items()}
    assert best["lecture_05_linear_regression"] == "loss 3.1e-07"
    assert best["lecture_07_multiple_dimension_input"] == "87.50 %"


def test_at_80x24_state_and_note_are_seen(twenty):
    write_note(twenty[-1], "as good as it gets")

    @in_app("05", size=(80, 24))
    async def look(person: Sitting):
        await to_runs(person, 20)
        await person.until(lambda: "note: as good as it gets" in person.text)
        assert "20 runs, by age" in person.text
        rows = person.text.splitlines()[2:18]
        assert all(row.rstrip("▁▂▃▄▅▆▇█ ").endswith("stopped") for row in rows)
        await person.pilot.resize_terminal(160, 48)
        await person.until(lambda: "changed settings" in person.text)
        await person.until(lambda: person.text.count("as good as it gets") == 2)

    look()


def test_a_run_whose_job_waits_is_listed_and_says_why_it_cant_be_opened(twenty, cluster):
    folder = RunFolder.create(Path("runs"), LECTURES[1])
    JobRecord(
        job_id="123",
        cluster="",
        submitted=time.time(),
        lecture=LECTURES[1],
        dataset="study-hours",
        epochs=7,
    ).write(folder)

    @in_app("05", size=(80, 24))
    async def look(person: Sitting):
        await to_runs(person, 21)
        await person.until(lambda: "job 123 waits: Priority" in person.text)
        (row,) = (line for line in person.text.splitlines() if "queued" in line)
        assert "0/7" in row
        assert at_cursor(person) == folder.name
        for key in ("enter", "g", "e"):
            await person.press(key)
            await person.until(lambda: person.said)
            assert person.said.pop() == "It hasn't begun: job 123 waits: Priority."
        await person.press("space", "space", "c")
        await person.until(lambda: isinstance(person.app.screen, CompareScreen))
        await person.press("escape")
        await person.until(lambda: isinstance(person.app.screen, RunsScreen))
        assert cluster.calls == ["squeue --noheader --states=all --format=%i|%T|%r --jobs=123"]

    look()


def test_an_opened_runs_settings_and_note_are_reached_at_80x24(twenty):
    write_note(twenty[-1], "as good as it gets")

    @in_app("05", size=(80, 24))
    async def look(person: Sitting):
        await to_runs(person, 20)
        await person.press("enter")
        await person.until(lambda: isinstance(person.app.screen, RunScreen))
        await person.until(lambda: "Settings, log" in person.text)
        assert "optimizer" not in person.text
        await person.press("i")
        await person.until(lambda: "as good as it gets" in person.text)
        await person.press("end")
        await person.until(lambda: "optimizer" in person.text)
        await person.press("i")
        await person.until(lambda: "as good as it gets" not in person.text)

    look()


# The trash


def test_all_marked_runs_are_moved_to_the_trash_and_brought_back_by_one_key(twenty):
    @in_app("05", size=(80, 24))
    async def look(person: Sitting):
        table = await to_runs(person, 20)
        await person.press("down", "space", "down", "down", "space", "home", "space", "end")
        marked = [twenty[19], twenty[18], twenty[15]]
        await person.press("d")
        await asked(person)
        assert "Move these 3 runs to the trash?" in person.text
        assert all(folder.name in person.text for folder in marked)
        assert "d  Move" in person.text and "Esc  Keep" in person.text
        await person.press("d")
        await person.until(lambda: table.row_count == 17)
        assert not any(folder.path.exists() for folder in marked)
        assert at_cursor(person) == twenty[0].name
        await person.until(lambda: "u Undo" in person.text)
        assert "Moved 3 runs to the trash; press u to undo." in person.said
        await person.press("u")
        await person.until(lambda: table.row_count == 20)
        assert all(folder.path.exists() for folder in marked)
        await person.until(lambda: "u Undo" not in person.text)
        assert at_cursor(person) == twenty[18].name

    look()


def test_a_run_that_is_kept_stays_and_one_that_trains_is_not_moved(twenty):
    @in_app("05", size=(80, 24))
    async def look(person: Sitting):
        table = await to_runs(person, 20)
        await person.press("d")
        await asked(person)
        assert f"Move {twenty[19].name} " in person.text
        await person.press("escape")
        assert table.row_count == 20
        with twenty[19].lock():
            await person.press("space", "space", "d")
            await asked(person)
            await person.press("d")
            await person.until(lambda: table.row_count == 19)
        assert twenty[19].path.exists()
        assert not twenty[18].path.exists()
        assert any("another program is training" in message for message in person.said)

    look()


# The cursor


def test_the_cursor_stays_on_its_run_or_in_its_place(twenty):
    @in_app("05", size=(80, 24))
    async def look(person: Sitting):
        table = await to_runs(person, 20)
        await person.press(*["down"] * 18)
        name = at_cursor(person)
        assert name == twenty[1].name
        await person.press("s")
        await person.until(lambda: "by lecture" in person.text)
        assert at_cursor(person) == name
        run_of(25)
        assert isinstance(person.app.screen, RunsScreen)
        person.app.screen.read()
        await person.until(lambda: table.row_count == 21)
        assert at_cursor(person) == name
        await person.pilot.resize_terminal(120, 30)
        await person.until(lambda: "changed settings" in person.text)
        assert at_cursor(person) == name
        line = table.cursor_row
        await person.press("d")
        await asked(person)
        await person.press("d")
        await person.until(lambda: table.row_count == 20)
        assert table.cursor_row == line
        name = at_cursor(person)
        await person.press("escape")
        assert not isinstance(person.app.screen, RunsScreen)
        await to_runs(person, 20)
        assert at_cursor(person) == name
        assert "by lecture" in person.text
        await person.press("u")
        await person.until(lambda: table.row_count == 21)
        assert at_cursor(person) == twenty[1].name

    look()


def test_while_the_folders_are_read_it_says_so_and_not_that_there_are_none(twenty, monkeypatch):
    reading, rows = threading.Event(), RunTable.rows

    def slowly(table: RunTable) -> list[RunRow]:
        assert reading.wait(60)
        return rows(table)

    monkeypatch.setattr(RunTable, "rows", slowly)

    @in_app("05", size=(80, 24))
    async def look(person: Sitting):
        try:
            await person.press("r")
            await person.until(lambda: "Reading the runs ..." in person.text)
            await person.pilot.resize_terminal(120, 30)
            await person.until(lambda: "changed settings" in person.text)
            assert "Reading the runs ..." in person.text
            assert "There are no runs" not in person.text
        finally:
            reading.set()
        await person.until(lambda: "20 runs, by age" in person.text)

    look()
