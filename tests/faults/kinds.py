"""Every fault, really made: each function is one trial."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
from collections.abc import Callable

import psutil

from tests.faults.screen import Screen
from tests.faults.trial import Outcome, Reference, TooLate, Trial
from tests.program import tutorch
from tui_app.training.exit_codes import ExitCode
from tui_app.training.posix import stop_signals
from tui_app.training.run_folder import RunFolder, read_json
from tui_app.training.runs import current_state

Fault = Callable[[random.Random, Reference], Outcome]

#: The lecture that has a DataLoader, with processes that fetch.
LOADER = ("08_dataset", "--workers", "2", "--batch-size", "8", "--epochs", "60")


def killed(chance: random.Random, reference: Reference) -> Outcome:
    """SIGKILL at any moment, from before the first checkpoint on."""
    trial = Trial(chance, reference)
    trial.until(lambda: bool(list(trial.place.glob("runs/*/*/run.json"))))
    trial.let_train()
    return _resumed_after_kill(trial, reference)


def killed_while_saving(chance: random.Random, reference: Reference) -> Outcome:
    """SIGKILL within 50 ms after a checkpoint began to be written."""
    trial = Trial(chance, reference)
    folder = trial.folder
    trial.let_train(most=0.8)
    trial.until(lambda: any(folder.path.glob(".last.pt-*.tmp")), "nothing was saved any more")
    trial.let_train(most=0.05)
    return _resumed_after_kill(trial, reference)


def _resumed_after_kill(trial: Trial, reference: Reference) -> Outcome:
    moment = trial.signal(signal.SIGKILL)
    trial.end()
    folder = trial.folder_afterwards
    if folder.status.exists():  # else it was killed before it said anything
        state = current_state(read_json(folder.status))
        trial.outcome.expect(state == "crashed", f"it is said to be {state}")
    trial.lost_since(moment)
    trial.resume()
    trial.compare(reference.of(trial.argv))
    return trial.outcome


def damaged_checkpoint(chance: random.Random, reference: Reference) -> Outcome:
    """SIGKILL, and last.pt is cut off at any byte, or has a bit that is wrong."""
    trial = Trial(chance, reference)
    folder = trial.folder
    trial.until(folder.previous.exists, "there never was a second checkpoint")
    trial.let_train(most=0.8)
    trial.signal(signal.SIGKILL)
    trial.end()
    if not folder.last.exists():  # killed between the two renames of a save
        shutil.copy(folder.previous, folder.last)
    content = bytearray(folder.last.read_bytes())
    at = chance.randrange(len(content))
    if chance.random() < 0.5:
        del content[at:]
    else:
        content[at] ^= 1 << chance.randrange(8)
    folder.last.write_bytes(content)
    trial.resume()
    trial.compare(reference.of(trial.argv))
    return trial.outcome


def stopped(chance: random.Random, reference: Reference) -> Outcome:
    """TERM, INT, or a HUP that is to stop it, on a terminal."""
    screen = Screen()
    trial = Trial(chance, reference, "--on-hangup", "stop", terminal=screen.name)
    folder = trial.folder
    trial.let_train()
    number = chance.choice(sorted(stop_signals()))
    trial.signal(number)
    code, outcome = trial.end(), trial.outcome
    outcome.expect(code == stop_signals()[number], f"exit {code} after {number.name}")
    outcome.expect(folder.last.exists(), "no checkpoint")
    trial.resume()
    trial.compare(reference.of(trial.argv))
    _look_at(screen, outcome)
    return outcome


def saved_on_request(chance: random.Random, reference: Reference) -> Outcome:
    """USR1, which saves, and SIGKILL."""
    trial = Trial(chance, reference, "--save-every", "1000")
    folder = trial.folder
    trial.let_train(most=0.5)
    before = folder.last.stat().st_ino
    trial.signal(signal.SIGUSR1)
    trial.until(lambda: folder.last.exists() and folder.last.stat().st_ino != before, "no save")
    return _resumed_after_kill(trial, reference)


def hung_up(chance: random.Random, reference: Reference) -> Outcome:
    """The terminal goes away; the run goes on to its end without it."""
    screen = Screen()
    trial = Trial(chance, reference, terminal=screen.name)
    folder = trial.folder
    trial.let_train(most=0.6)
    screen.hang_up()
    code, outcome = trial.end(), trial.outcome
    outcome.expect(code == ExitCode.DONE, f"exit {code}")
    outcome.went_on = code == ExitCode.DONE
    outcome.tracebacks += folder.log.read_text(encoding="utf-8").count("Traceback")
    trial.compare(reference.of(trial.argv))
    return outcome


def unread(chance: random.Random, reference: Reference) -> Outcome:
    """Nobody reads the terminal: training waits for nobody."""
    screen = Screen(reads=False)
    trial = Trial(chance, reference, terminal=screen.name)
    folder = trial.folder

    def is_completed() -> bool:
        return folder.status.exists() and read_json(folder.status).get("state") == "completed"

    trial.until(is_completed, "it waits for the reader")
    screen.read()
    return _completed(trial, reference, screen)


def resized(chance: random.Random, reference: Reference) -> Outcome:
    """The terminal has another size all the time."""
    screen = Screen()
    trial = Trial(chance, reference, terminal=screen.name)
    while trial.child.is_alive():
        screen.resize(chance.randint(1, 60), chance.randint(1, 200))
        trial.let_train(most=0.02)
    return _completed(trial, reference, screen)


def _completed(trial: Trial, reference: Reference, screen: Screen | None = None) -> Outcome:
    """The outcome of a run that is to train to its end all the same."""
    code = trial.end()
    trial.outcome.expect(code == ExitCode.DONE, f"exit {code}: {trial.words}")
    trial.outcome.went_on = code == ExitCode.DONE
    trial.compare(reference.of(trial.argv))
    if screen is not None:
        _look_at(screen, trial.outcome)
    return trial.outcome


def _look_at(screen: Screen, outcome: Outcome) -> None:
    outcome.terminal_restored = screen.is_restored()
    outcome.tracebacks += screen.shown.count(b"Traceback")
    outcome.expect(b"Traceback" not in screen.shown, screen.shown.decode())
    screen.hang_up()


def disk_full(chance: random.Random, reference: Reference) -> Outcome:
    """No file may grow any more, or for a while: neither what is saved nor what is recorded."""
    screen = Screen()  # where it is told, on a full disk too
    trial = Trial(chance, reference, terminal=screen.name)
    folder = trial.folder
    trial.let_train(most=0.5)
    largest = max(1, folder.metrics.stat().st_size - 10) if folder.metrics.exists() else 1
    _limit_files(trial, largest)
    if chance.random() < 0.5:
        trial.let_train(0.3, 0.6)
        _limit_files(trial, resource.RLIM_INFINITY)
        return _completed(trial, reference, screen)
    code, shown = trial.end(), screen.shown.decode()
    if code == ExitCode.DONE:
        raise TooLate
    trial.outcome.expect(code == ExitCode.FAILED, f"exit {code}")
    trial.outcome.expect("File too large" in shown, f"not said: {shown}")
    trial.resume()
    trial.compare(reference.of(trial.argv))
    _look_at(screen, trial.outcome)
    return trial.outcome


def _limit_files(trial: Trial, largest: int) -> None:
    try:
        limits = (largest, resource.RLIM_INFINITY)
        resource.prlimit(trial.pid, resource.RLIMIT_FSIZE, limits)
    except ProcessLookupError:
        raise TooLate from None


def second_program(chance: random.Random, reference: Reference) -> Outcome:
    """Another program wants to train in the same folder."""
    trial = Trial(chance, reference)
    folder = trial.folder
    trial.let_train(most=0.5)
    ended = tutorch("resume", folder.path, "--no-tui")
    if trial.child.is_alive():
        trial.outcome.expect(ended.exit_code == ExitCode.RUN_LOCKED, f"exit {ended.exit_code}")
    return _completed(trial, reference)


def folder_removed(chance: random.Random, reference: Reference) -> Outcome:
    """The run folder is removed: training goes on, and says that nothing could be saved."""
    trial = Trial(chance, reference)
    path = trial.folder.path
    trial.let_train(most=0.5)
    # Until it is gone: a file may be made in it while it is being removed.
    trial.until(lambda: shutil.rmtree(path, ignore_errors=True) or not path.exists())
    return _failed(trial, "could not be saved")


def folder_read_only(chance: random.Random, reference: Reference) -> Outcome:
    """The run folder becomes read-only, for a user for whom that means something."""
    trial = Trial(chance, reference, twist="rights")
    folder = trial.folder
    trial.let_train(most=0.5)
    folder.path.chmod(0o555)
    _failed(trial, "Permission denied")
    folder.path.chmod(0o755)
    trial.resume()
    trial.compare(reference.of(trial.argv))
    return trial.outcome


def _failed(trial: Trial, said: str) -> Outcome:
    code = trial.end()
    trial.outcome.expect(code == ExitCode.FAILED, f"exit {code}: {trial.words}")
    trial.outcome.expect(said in trial.words, f"not said: {trial.words}")
    trial.outcome.tracebacks += trial.words.count("Traceback")
    return trial.outcome


def metrics_cut(chance: random.Random, reference: Reference) -> Outcome:
    """metrics.jsonl is cut off in the middle of a line while training adds to it."""
    trial = Trial(chance, reference)
    folder = trial.folder
    trial.until(lambda: folder.metrics.exists() and folder.metrics.stat().st_size > 2000)
    os.truncate(folder.metrics, chance.randrange(1, 2000))
    code = trial.end()
    trial.outcome.expect(code == ExitCode.DONE, f"exit {code}: {trial.words}")
    trial.outcome.expect("cut short" in trial.words, "not said")
    trial.outcome.went_on = code == ExitCode.DONE
    trial.compare(reference.of(trial.argv), exactly=False)
    # The line that was cut is not a whole one, and was not made so by the fault's victim.
    trial.outcome.corrupt = [name for name in trial.outcome.corrupt if name != "metrics.jsonl"]
    return trial.outcome


def clock_set_back(chance: random.Random, reference: Reference) -> Outcome:
    """The clock is set back by an hour while it trains."""
    return _completed(Trial(chance, reference, twist="clock"), reference)


def worker_killed(chance: random.Random, reference: Reference) -> Outcome:
    """SIGKILL for a process that fetches data for the DataLoader."""
    trial = Trial(chance, reference, argv=LOADER)
    folder: RunFolder = trial.folder
    trial.until(lambda: len(psutil.Process(trial.pid).children()) >= 2, "no worker was started")
    trial.let_train(most=0.5)
    chance.choice(psutil.Process(trial.pid).children()).kill()
    _failed(trial, "fetched data")
    trial.outcome.expect(read_json(folder.status)["state"] == "stopped", "not resumable")
    trial.resume()
    trial.compare(reference.of(trial.argv))
    return trial.outcome


#: What is shown of each, and how often it is tried, of all trials.
FAULTS: dict[str, tuple[Fault, int]] = {
    "SIGKILL at any moment": (killed, 6),
    "SIGKILL within 50 ms of a save's start": (killed_while_saving, 3),
    "last.pt cut off, or a bit flipped": (damaged_checkpoint, 3),
    "TERM, INT, HUP": (stopped, 3),
    "USR1, then SIGKILL": (saved_on_request, 1),
    "terminal hung up": (hung_up, 2),
    "terminal read by nobody": (unread, 1),
    "terminal resized all the time": (resized, 1),
    "disk full, for a while or for good": (disk_full, 2),
    "second program on the folder": (second_program, 1),
    "run folder removed": (folder_removed, 1),
    "run folder made read-only": (folder_read_only, 1),
    "metrics.jsonl cut in mid-line": (metrics_cut, 1),
    "clock set back": (clock_set_back, 1),
    "DataLoader's worker killed": (worker_killed, 1),
}
