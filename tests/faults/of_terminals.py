"""Injects faults of the terminal: it vanishes, nobody reads it, or its size keeps changing."""

from __future__ import annotations

import random
from multiprocessing.connection import wait

from tests.faults.screen import Screen
from tests.faults.trial import RUN, Outcome, Reference, Trial
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.run_folder import read_json

#: Long enough for somebody to come back to it.
LONGER = (*RUN[:-1], "40")


def hung_up(
    chance: random.Random, reference: Reference, *, in_app: bool = False, twist: str = ""
) -> Outcome:
    """The terminal goes away; the run goes on to its end without it."""
    trial = Trial(chance, reference, screen=Screen(), in_app=in_app, twist=twist)
    assert trial.folder.last.exists()
    trial.let_train(most=0.6)
    assert trial.screen is not None
    trial.screen.hang_up()
    code, outcome = trial.end(), trial.outcome
    outcome.expect(code == ExitCode.DONE, f"exit {code}")
    outcome.went_on = code == ExitCode.DONE
    trial.compare(reference.of(trial.argv))
    return outcome


def attached(chance: random.Random, reference: Reference) -> Outcome:
    """The app's terminal goes away; from another one it is attached to, steered and stopped."""
    trial = Trial(chance, reference, argv=LONGER, in_app=True)
    folder, first, outcome = trial.folder, trial.child, trial.outcome
    trial.let_train(most=0.5)
    assert trial.screen is not None
    trial.screen.hang_up()
    trial.screen = Screen()
    other = trial.start(["attach", str(folder.path)], trial.screen)

    def is_stopped() -> bool:
        assert trial.screen is not None
        trial.screen.press("x")
        return bool(wait([first.sentinel], 0.2))

    trial.until(is_stopped, "it can't be stopped")
    outcome.expect(trial.end() == ExitCode.DONE, f"exit {first.exitcode}")
    state = read_json(folder.status)["state"]
    trial.child = other
    code = trial.leave()
    outcome.expect(code == ExitCode.DONE, f"attach: exit {code}: {trial.words[-2000:]}")
    trial.look_at_screen()
    if state != "completed":
        outcome.expect(state == "stopped", f"it is said to be {state}")
        trial.resume()
    outcome.went_on = True
    trial.compare(reference.of(trial.argv))
    return outcome


def unread(chance: random.Random, reference: Reference, *, in_app: bool = False) -> Outcome:
    """Nobody reads the terminal: training waits for nobody."""
    # The app can only be brought to train by somebody who reads: he stops when it does.
    trial = Trial(chance, reference, screen=Screen(reads=in_app), in_app=in_app)
    folder = trial.folder
    assert trial.screen is not None
    if in_app:
        trial.screen.stop_reading()

    def is_completed() -> bool:
        return folder.status.exists() and read_json(folder.status).get("state") == "completed"

    trial.until(is_completed, "it waits for the reader")
    trial.screen.read()
    return completed(trial, reference)


def resized(chance: random.Random, reference: Reference, *, in_app: bool = False) -> Outcome:
    """The terminal has another size all the time."""
    trial = Trial(chance, reference, screen=Screen(), in_app=in_app)
    folder = trial.folder
    assert trial.screen is not None
    while trial.child.is_alive() and read_json(folder.status).get("state") != "completed":
        trial.screen.resize(chance.randint(1, 60), chance.randint(1, 200))
        trial.let_train(most=0.02)
    return completed(trial, reference)


def completed(trial: Trial, reference: Reference) -> Outcome:
    """The outcome of a run that is to train to its end all the same."""
    code = trial.leave() if trial.in_app else trial.end()
    trial.outcome.expect(code == ExitCode.DONE, f"exit {code}: {trial.words}")
    trial.outcome.went_on = code == ExitCode.DONE
    trial.compare(reference.of(trial.argv))
    if trial.screen is not None:
        trial.look_at_screen()
    return trial.outcome
