"""Injects faults of a session: it is suspended, its readers leave, its terminal vanishes."""

from __future__ import annotations

import random
import signal
from collections.abc import Sequence

import psutil

from tests.faults.of_terminals import LONGER, completed, hung_up
from tests.faults.screen import Screen
from tests.faults.trial import Outcome, Reference, Trial
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.run_folder import RunFolder, read_json


def suspended(
    chance: random.Random, reference: Reference, *, in_app: bool = False, is_left: bool = False
) -> Outcome:
    """It is suspended and continued, up to three times; `is_left`, after its terminal was."""
    trial = Trial(chance, reference, screen=Screen(), in_app=in_app)
    folder = trial.folder
    trial.let_train(most=0.5)
    if is_left:
        assert trial.screen is not None
        trial.screen.hang_up()
    for _ in range(chance.randint(1, 3)):
        _suspend(trial, may_ignore=not in_app)
    if is_left:
        outcome = went_on(trial, reference)
    else:
        trial.until(lambda: is_completed(folder), "it doesn't go on")
        outcome = completed(trial, reference)
    said = "still inside" in folder.log.read_text(encoding="utf-8")
    outcome.expect(not said, "a suspension is taken for a step that doesn't come back")
    return outcome


def _suspend(trial: Trial, *, may_ignore: bool) -> None:
    """Suspend the process, and continue it. Where no shell would, it may ignore the softer way."""
    number = trial.chance.choice([signal.SIGSTOP, signal.SIGTSTP])
    trial.signal(number)
    process = psutil.Process(trial.pid)
    if number == signal.SIGSTOP or not may_ignore:
        trial.until(lambda: process.status() == psutil.STATUS_STOPPED, "it isn't suspended")
    trial.let_train(0.1, 0.8)
    process.send_signal(signal.SIGCONT)
    trial.let_train(most=0.3)


def reader_gone(chance: random.Random, reference: Reference) -> Outcome:
    """Who reads what it writes takes some of it and leaves, or is killed."""
    options = ["--json"] if chance.random() < 0.5 else []
    takes = chance.choice([chance.randint(1, 1500), 10**9])
    trial = Trial(chance, reference, *options, twist=f"reader {takes}")
    folder = trial.folder
    if takes == 10**9:
        trial.let_train(most=0.5)
        for process in psutil.Process(trial.pid).children():
            if process.name() == "head":
                process.kill()
    outcome = went_on(trial, reference)
    outcome.expect(
        _notes(folder, "can't be written any more (Broken pipe)") > 0, "not said in log.txt"
    )
    return outcome


def streams_spoilt(chance: random.Random, reference: Reference) -> Outcome:
    """Standard output, standard error or both are closed or full from the beginning."""
    states = chance.choice(
        [(out, err) for out in _STATES for err in _STATES if (out, err) != ("whole", "whole")]
    )
    options = ["--json"] if chance.random() < 0.5 else []
    trial = Trial(chance, reference, *options, twist=f"streams {' '.join(states)}")
    folder = trial.folder
    outcome = went_on(trial, reference)
    lost = [state for state in (states[:1] if options else states) if state != "whole"]
    told = _notes(folder, "log.txt has what it would show")
    outcome.expect(told >= len(lost), f"{told} notes on {states}, with {options}")
    return outcome


_STATES = ("whole", "closed", "full")


def gone_in_silence(
    chance: random.Random, reference: Reference, *, in_app: bool = False
) -> Outcome:
    """The terminal goes away, and no signal says so: the run goes on to its end without it."""
    return hung_up(chance, reference, in_app=in_app, twist="deaf")


def attached_in_silence(chance: random.Random, reference: Reference) -> Outcome:
    """The terminal of `attach` goes away, and no signal says so: it leaves, the run goes on."""
    trial = Trial(chance, reference, argv=LONGER)
    folder, training = trial.folder, trial.child
    screen = Screen()
    trial.child = trial.start(["attach", str(folder.path)], screen, "deaf")
    trial.until(lambda: b"Pause" in screen.shown, "attach shows nothing")
    screen.hang_up()
    code = trial.end()
    trial.outcome.expect(code == ExitCode.HUNG_UP, f"attach: exit {code}")
    trial.child = training
    return went_on(trial, reference)


def went_on(trial: Trial, reference: Reference) -> Outcome:
    """The outcome of a run that is to train to its end, and say so in status.json."""
    code, outcome = trial.end(), trial.outcome
    outcome.expect(code == ExitCode.DONE, f"exit {code}: {trial.words}")
    status = read_json(trial.folder_afterwards.status)
    said = (status.get("state"), status.get("exit_code"))
    outcome.expect(said == ("completed", 0), f"status.json says {said}")
    outcome.went_on = code == ExitCode.DONE
    trial.compare(reference.of(trial.argv))
    return outcome


def is_completed(folder: RunFolder) -> bool:
    """Whether the run has trained to its end, as status.json says."""
    return folder.status.exists() and read_json(folder.status).get("state") == "completed"


def _notes(folder: RunFolder, text: str) -> int:
    lines: Sequence[str] = folder.log.read_text(encoding="utf-8").splitlines()
    return sum("note: " in line and text in line for line in lines)
