"""The screens of studies: what they show of one, how they are read, and what their keys do."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.fields import InvalidValue
from tests.app.study_samples import SampleReader, sample_study, sample_trial
from tests.pilot import Sitting, in_app, recorded_folder
from tests.program import LONGEST
from tui_app.app.screens.run import RunScreen
from tui_app.app.screens.studies import StudiesScreen
from tui_app.app.screens.study import StudyScreen
from tui_app.app.studies import started_searches, study_reading
from tui_app.app.studies.search_request import search_log
from tui_app.app.studies.started_searches import StartedSearches, find_search, stop_search
from tui_app.app.widgets.background_line import background_entries
from tui_app.runs.errors import DamagedRun, StorageUnavailable
from tui_app.runs.listing import RunSummary
from tui_app.search.summary import StudySummary


@pytest.fixture(autouse=True)
def reader(monkeypatch: pytest.MonkeyPatch) -> type[SampleReader]:
    """The storage: one study, which is read often."""

    class Reader(SampleReader):
        answers = (sample_study(),)

    monkeypatch.setattr(study_reading, "StudyReader", Reader)
    monkeypatch.setattr("tui_app.app.screens.study._INTERVAL", 0.05)
    monkeypatch.setattr("tui_app.app.widgets.background_line._INTERVAL", 0.2)
    return Reader


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The processes of searches, which wait until they are stopped, in place of real searches."""
    found: list[subprocess.Popen[bytes]] = []
    code = "import sys, time; sys.stdout.write('begun'); sys.stdout.flush(); time.sleep(1000)"

    def start(words: list[str], log: Path) -> subprocess.Popen[bytes]:
        log.write_text("a line\nThe data are\x1b gone.\n\n")
        # In place of -m tui_app; the words tell a search from any other process.
        command = [sys.executable, "-c", code, "tui_app", *words]
        found.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        return found[-1]

    monkeypatch.setattr(started_searches, "start_detached", start)
    yield found
    for process in found:
        process.kill()
        process.communicate()


async def to_study(person: Sitting, name: str = "lr-softmax") -> StudyScreen:
    person.app.open_study(name)
    await person.until(lambda: isinstance(person.app.screen, StudyScreen))
    screen = person.app.screen
    assert isinstance(screen, StudyScreen)
    return screen


def study_with_run(folder: Path) -> StudySummary:
    """A study whose best trial has this run folder."""
    trials = (sample_trial(0, run=folder), sample_trial(1, run=None, metric_value=0.2))
    return sample_study(trials=trials)


# What is shown


@in_app(size=(80, 24))
async def test_a_study_shows_its_curve_its_trials_and_the_one_at_the_cursor(person):
    await to_study(person)
    await person.until(lambda: "best test accuracy so far" in person.text)
    assert "searching in another program · 09 softmax classifier, digits" in person.text
    counts = "14/40 trials: 1 running, 2 pruned, 1 failed · best 96.68 % (trial 1, test set)"
    assert counts in person.text
    assert "test accuracy by lr, log  1/3" in person.text
    assert "trial 13: lr=" in person.text
    assert "5/20  running" in person.text
    await person.press("]")
    assert "test accuracy by widths  2/3" in person.text
    await person.press("]")
    assert "importance  3/3" in person.text and "80%" in person.text
    await person.press("left")
    assert "by widths" in person.text
    await person.press("end")
    await person.until(lambda: "trial 0: lr=" in person.text)
    await person.press("home", *["down"] * 7)
    await person.until(lambda: "diverged: [bold]nan[/bold]\\x1b[31m" in person.text)
    await person.press("s")
    await person.press("home")
    await person.until(lambda: ", the best: lr=" in person.text)


@in_app(size=(160, 48))
async def test_a_wide_screen_shows_the_importance_beside_the_settings(person):
    await to_study(person)
    await person.until(lambda: "importance" in person.text and "1/2" in person.text)


@in_app(size=(60, 16))
async def test_a_small_screen_has_the_table_alone(person):
    await to_study(person)
    await person.until(lambda: "running" in person.text and "so far" not in person.text)


@in_app(size=(80, 24))
async def test_live_values_are_read_again_and_the_cursor_stays_on_its_trial(person, reader):
    reader.answers = (
        sample_study(count=3),
        sample_study(count=4),
        sample_study(trials=(*sample_study(3).trials, sample_trial(3, metric_value=0.9876))),
    )
    await to_study(person)
    await person.until(lambda: "98.76 %" in person.text)
    await person.press("end")
    await person.until(lambda: "trial 0: " in person.text)
    reader.answers = (*reader.answers, sample_study(count=9))
    await person.until(lambda: "9/40 trials" in person.text)
    assert "trial 0: " in person.text


@in_app(size=(80, 24))
async def test_a_study_that_cant_be_read_says_why_and_is_read_again(person, reader):
    reader.answers = (DamagedRun("the journal is \x1b[2Jdamaged"), sample_study())
    reader.answers = (*[reader.answers[0]] * 5, reader.answers[1])
    await to_study(person, "no\x1bname")
    await person.until(lambda: "the journal is \\x1b[2Jdamaged" in person.text)
    assert "Study no\\x1bname" in person.text
    await person.until(lambda: "14/40 trials" in person.text)
    assert "damaged" not in person.text


@in_app(size=(80, 24))
async def test_a_slow_storage_keeps_neither_the_keys_nor_the_exit_waiting(person, reader):
    going_on = threading.Event()
    threads = []

    def wait(self: SampleReader) -> StudySummary:
        threads.append(threading.current_thread())
        going_on.wait(LONGEST)
        return sample_study()

    reader.read = wait
    await to_study(person)
    await person.until(lambda: threads)
    assert "Reading the study" in person.text
    await person.press("question_mark")
    await person.until(lambda: "Stop the search" in person.text or "Go back" in person.text)
    await person.press("escape")
    assert len(threads) == 1  # never two at once
    assert threads[0].daemon
    assert threads[0] is not threading.main_thread()
    going_on.set()
    await person.until(lambda: "14/40 trials" in person.text)


# The list


@in_app(size=(80, 24))
async def test_the_list_shows_all_studies_and_opens_one(person, monkeypatch):
    hostile = sample_study(name="b\x1b[2J", dataset="[red]x[/red]", trials=(), importance=None)

    def listed(runs_dir, storage, on_problem):
        on_problem("the study 'c' can't be read: \x1bno")
        return [sample_study(), hostile]

    monkeypatch.setattr(study_reading, "list_studies", listed)
    await person.press("y")
    await person.until(lambda: "2 studies in" in person.text)
    assert isinstance(person.app.screen, StudiesScreen)
    assert "b\\x1b[2J" in person.text and "[red]x[/red]" in person.text
    assert "the study 'c' can't be read: \\x1bno" in person.sentence
    assert "96.68 %" in person.text
    await person.press("enter")
    await person.until(lambda: isinstance(person.app.screen, StudyScreen))
    await person.press("escape")
    await person.press("escape")
    assert person.app.screen is person.app.main


@in_app(size=(80, 24))
async def test_without_studies_the_list_says_how_to_start_one(person):
    await person.press("r", "y")
    await person.until(lambda: "There are no studies yet" in person.text)
    assert "1e-4..1:log" in person.text
    await person.press("enter")
    assert isinstance(person.app.screen, StudiesScreen)


@in_app(size=(80, 24))
async def test_the_storage_is_closed_after_a_problem_and_with_the_screen(person, reader):
    problem = StorageUnavailable("the database is away")
    reader.answers = (sample_study(), problem, sample_study(total=41))
    await to_study(person)
    await person.until(lambda: "14/41 trials" in person.text)
    assert reader.open_readers == 1
    await person.press("escape")
    await person.until(lambda: reader.open_readers == 0)


def test_a_study_that_is_closed_is_not_opened_again(reader, tmp_path):
    reading = study_reading.StudyReading("s", tmp_path)
    reading.close()
    assert reading.read() == (None, "")
    assert reader.open_readers == 0


# Keys


@in_app(size=(80, 24))
async def test_enter_opens_the_run_of_a_trial_and_a_key_fills_the_form_with_the_best(
    person, reader, tmp_path
):
    folder = recorded_folder(tmp_path / "runs")
    reader.answers = (study_with_run(folder.path),)
    await to_study(person)
    await person.until(lambda: "trial 1: " in person.text)
    await person.press("enter")
    await person.until(lambda: "Trial 1 has no run folder." in person.said)
    await person.press("down", "enter")
    await person.until(lambda: isinstance(person.app.screen, RunScreen))
    assert person.app.screen.shown_run.folder == folder.path
    await person.press("escape")
    await person.press("n")
    await person.until(lambda: person.app.screen is person.app.main)
    await person.until(lambda: person.draft.lecture.name == "lecture_09_softmax_classifier")
    await person.until(lambda: any("Set as in trial 0: lr 1" in text for text in person.said))


@in_app(size=(80, 24))
async def test_a_best_trial_of_another_machine_is_said_not_to_be_here(person, reader):
    values = {"lr": "0.1", "widths": "[red],9"}
    reader.answers = (sample_study(trials=(sample_trial(0, run=None, values=values),)),)
    screen = await to_study(person)
    await person.until(lambda: "trial 0, the best" in person.text)
    await person.press("n")
    said = "Trial 0 has no run folder on this machine: lr 0.1, widths [red],9."
    await person.until(lambda: said in person.said)
    assert person.app.screen is screen


@in_app(size=(80, 24))
async def test_a_search_of_this_program_is_stopped_and_continued(person, processes, reader):
    reader.answers = (sample_study(),)
    screen = await to_study(person)
    await person.until(lambda: "searching in another program" in person.text)
    await person.press("x")
    assert "Another program searches here: press Ctrl-C in its terminal." in person.said
    await person.press("g")
    await person.until(lambda: f"searching, process {processes[0].pid}" in person.text)
    assert person.app.screen is screen  # not a second one
    assert "continue" not in person.text.splitlines()[-1].casefold()
    assert processes[0].stdout is not None
    assert processes[0].stdout.read(5) == b"begun"
    await person.press("f8")
    await person.until(lambda: processes[0].poll() is not None)
    await person.until(lambda: "searching in another program" in person.text)
    assert "gone" not in person.text
    assert not person.app.searches.describe_running(person.app.runs_dir)


def test_the_commands_that_are_printed_for_a_search_name_its_runs_folder(
    processes, tmp_path, monkeypatch
):
    monkeypatch.delenv("TUTORCH_RUNS_DIR", raising=False)
    searches, folder = StartedSearches(), tmp_path / "my runs"
    searches.start("mine", ["search", "--study=mine"], search_log("mine", folder))
    said = searches.describe_running(folder)
    commands = [line.split("  ")[-1].strip() for line in said.splitlines()]
    assert shlex.join(["tutorch", "study", "mine", "--runs-dir", str(folder)]) in commands
    assert shlex.join(["tutorch", "--runs-dir", str(folder)]) in commands
    monkeypatch.setenv("TUTORCH_RUNS_DIR", str(folder))
    assert "--runs-dir" not in searches.describe_running(folder)


def test_a_search_that_a_closed_app_has_started_can_be_stopped(processes, tmp_path):
    log = tmp_path / "studies" / "mine.txt"
    assert find_search("mine", log) is None
    StartedSearches().start("mine", ["search", "--study=mine"], log)
    assert find_search("mine", log) == processes[0].pid
    assert find_search("other", log) is None
    for content in (str(os.getpid()), "no number", str(2**22 + 1), "-1", "9" * 30):
        log.with_suffix(".pid").write_text(content)
        assert find_search("mine", log) is None
        assert not stop_search("mine", log)
    log.with_suffix(".pid").write_text(str(processes[0].pid))
    assert stop_search("mine", log)
    assert processes[0].wait(LONGEST)
    assert find_search("mine", log) is None


@in_app(size=(80, 24))
async def test_a_name_that_is_a_path_starts_nothing(person, processes):
    person.app.continue_search("../../evil")
    assert "The search can't be started: study: a name of letters" in person.said[-1]
    assert not processes


@in_app(size=(80, 24))
async def test_a_search_that_fails_says_why_with_the_last_line_of_its_log(
    person, processes, reader, monkeypatch
):
    reader.answers = (InvalidValue("there is no study"),)
    person.app.continue_search("lr-softmax")
    await person.until(lambda: "The search is starting" in person.text)
    said = person.app.searches.describe_running(person.app.runs_dir)
    assert "the search lr-softmax goes on" in said
    monkeypatch.setattr(started_searches, "_STOPPED", ())
    processes[0].kill()
    await person.until(lambda: "The data are\\x1b gone." in person.text)
    monkeypatch.setattr(started_searches, "start_detached", _refuse)
    await person.press("g")
    await person.until(lambda: any("No space left" in text for text in person.said))


def _refuse(words: list[str], log: Path) -> None:
    raise OSError(28, "No space left on device")


# In the background


@in_app(size=(80, 24))
async def test_a_search_is_shown_in_the_background_line_and_a_key_opens_it(person, processes):
    person.app.continue_search("lr-softmax")
    await person.press("escape")
    await person.until(lambda: "background: search lr-softmax  b: attach" in person.text)
    await person.press("b")
    await person.until(lambda: isinstance(person.app.screen, StudyScreen))


def test_the_trials_of_a_search_are_one_entry_in_the_background():
    def run(name: str, study: str = "") -> RunSummary:
        lecture = "lecture_09_softmax_classifier"
        path = f"runs/{name}"
        return RunSummary(
            name, path, "running", lecture=lecture, dataset="digits", study=study, epochs=20
        )

    runs = [run("a", "first"), run("b"), run("c", "first"), run("d", "\x1b")]
    entries = background_entries(runs, ["own", "first"])
    assert [(entry.text, entry.study, entry.folder) for entry in entries] == [
        ("search first, 2 trials training", "first", ""),
        ("search \\x1b, 1 trial training", "\x1b", ""),
        ("search own", "own", ""),
        ("09 softmax classifier, digits, epoch 0/20", "", "runs/b"),
    ]
    assert len({entry.key for entry in entries}) == 4
