"""Injects signals: a program is killed, stopped, or asked to save."""

from __future__ import annotations

import random
import signal
from multiprocessing.connection import wait

from tests.faults.screen import Screen
from tests.faults.trial import Outcome, Reference, TooLate, Trial
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.listing import current_state
from tui_app.runs.run_folder import read_json
from tui_app.terminal.signals import stop_signals


def killed(chance: random.Random, reference: Reference, *, in_app: bool = False) -> Outcome:
    """SIGKILL at any moment, from before the first checkpoint on."""
    trial = Trial(chance, reference, in_app=in_app)
    trial.until(lambda: bool(list(trial.place.glob("runs/*/*/run.json"))))
    trial.let_train()
    return resumed_after_kill(trial, reference)


def killed_while_saving(chance: random.Random, reference: Reference) -> Outcome:
    """SIGKILL within 50 ms after a checkpoint began to be written."""
    trial = Trial(chance, reference)
    folder = trial.folder
    trial.let_train(most=0.8)
    trial.until(lambda: any(folder.path.glob(".last.pt-*.tmp")), "nothing was saved any more")
    trial.let_train(most=0.05)
    return resumed_after_kill(trial, reference)


def resumed_after_kill(trial: Trial, reference: Reference) -> Outcome:
    """Kill it, look whether that is noticed, take the run up again, and compare."""
    moment = trial.signal(signal.SIGKILL)
    trial.end()
    folder = trial.folder_afterwards
    if folder.status.exists():  # else it was killed before it said anything
        state = current_state(read_json(folder.status))
        trial.outcome.expect(state == "crashed", f"it is said to be {state}")
    trial.lost_since(moment)
    trial.resume()
    trial.compare(reference.of(trial.argv))
    if trial.screen is not None:
        trial.screen.hang_up()  # whoever is killed restores nothing
    return trial.outcome


def stopped(chance: random.Random, reference: Reference, *, in_app: bool = False) -> Outcome:
    """TERM, INT, or a HUP that is to stop it, on a terminal."""
    trial = Trial(chance, reference, "--on-hangup", "stop", screen=Screen(), in_app=in_app)
    folder = trial.folder
    trial.let_train()
    number = chance.choice(sorted(stop_signals()))
    trial.signal(number)
    code, outcome = trial.end(), trial.outcome
    done = read_json(folder.status)["state"] == "completed"
    if done and (in_app or code == ExitCode.DONE):
        raise TooLate  # it came after the last step: nothing was left to be stopped
    outcome.expect(code == stop_signals()[number], f"exit {code} after {number.name}")
    outcome.expect(folder.last.exists(), "no checkpoint")
    trial.look_at_screen()
    trial.resume()
    trial.compare(reference.of(trial.argv))
    return outcome


def interrupted_twice(chance: random.Random, reference: Reference) -> Outcome:
    """Ctrl-C while the disk hangs, and again: the second leaves at once."""
    trial = Trial(chance, reference, screen=Screen(), in_app=chance.random() < 0.5, twist="disk")
    assert trial.folder.last.exists()
    trial.let_train(most=0.6)
    trial.signal(signal.SIGINT)
    while not wait([trial.child.sentinel], 0.1):
        trial.signal(signal.SIGINT)
    code = trial.end()
    trial.outcome.expect(code == ExitCode.INTERRUPTED, f"exit {code}")
    trial.look_at_screen()
    trial.resume()
    trial.compare(reference.of(trial.argv))
    return trial.outcome


def saved_on_request(
    chance: random.Random, reference: Reference, *, in_app: bool = False
) -> Outcome:
    """USR1, which saves, and SIGKILL."""
    trial = Trial(chance, reference, "--save-every", "1000", in_app=in_app)
    folder = trial.folder
    trial.let_train(most=0.5)
    before = folder.last.stat().st_ino
    trial.signal(signal.SIGUSR1)
    trial.until(lambda: folder.last.exists() and folder.last.stat().st_ino != before, "no save")
    return resumed_after_kill(trial, reference)
