"""Lists every kind of fault; each function is one trial."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from functools import partial

import psutil

from tests.faults import of_files, of_sessions, of_signals, of_strangers, of_terminals
from tests.faults.child import limited_memory
from tests.faults.of_files import failed
from tests.faults.of_terminals import completed
from tests.faults.trial import Outcome, Reference, Trial, weights
from tests.program import metrics_lines
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.listing import current_state
from tui_app.runs.run_folder import RunFolder, read_json

Fault = Callable[[random.Random, Reference], Outcome]

#: The lecture that has a DataLoader, with processes that fetch.
LOADER = ("08_dataset", "--workers", "2", "--batch-size", "8", "--epochs", "60")


def clock_set_back(chance: random.Random, reference: Reference) -> Outcome:
    """The clock is set back by an hour while it trains."""
    trial = Trial(chance, reference, twist="clock")
    outcome = completed(trial, reference)
    folder = trial.folder_afterwards
    times = [line["seconds"] for line in metrics_lines(folder.metrics) if "seconds" in line]
    outcome.expect(min(times, default=-1) >= 0, f"negative times: {times}")
    outcome.expect(current_state(read_json(folder.status)) == "completed", "said to be otherwise")
    return outcome


def worker_killed(chance: random.Random, reference: Reference) -> Outcome:
    """SIGKILL for a process that fetches data for the DataLoader."""
    trial = Trial(chance, reference, argv=LOADER)
    folder: RunFolder = trial.folder
    trial.until(lambda: len(psutil.Process(trial.pid).children()) >= 2, "no worker was started")
    trial.let_train(most=0.5)
    chance.choice(psutil.Process(trial.pid).children()).kill()
    failed(trial, "loaded data for training died")
    trial.outcome.expect(read_json(folder.status)["state"] == "stopped", "not resumable")
    trial.resume()
    trial.compare(reference.of(trial.argv))
    return trial.outcome


def out_of_memory(chance: random.Random, reference: Reference) -> Outcome:
    """Batches have no room: they are halved, and the run is killed; or it stops with advice."""
    if chance.random() < 0.5:
        trial = Trial(chance, reference, "--on-oom", "stop", twist="memory")
        code = trial.end()
        trial.outcome.expect(code == ExitCode.DEVICE_UNAVAILABLE, f"exit {code}")
        trial.outcome.expect("--batch-size" in trial.words, f"not said: {trial.words}")
        trial.resume()
        trial.compare(reference.of(trial.argv))
        return trial.outcome
    trial = Trial(chance, reference, twist="memory")
    trial.until(trial.folder.previous.exists, "there never was a second checkpoint")
    trial.let_train(most=0.5)
    trial.outcome.expect("4 parts" in trial.words, f"not said: {trial.words}")
    moment = trial.signal(signal.SIGKILL)
    trial.end()
    trial.lost_since(moment)
    with limited_memory():
        trial.resume()
        trial.compare(reference.of(trial.argv, "memory"))
    return trial.outcome


def not_finite(chance: random.Random, reference: Reference) -> Outcome:
    """The loss, a gradient or a weight is NaN or infinite at any step."""
    value, what = chance.choice(["nan", "inf"]), chance.choice(["loss", "gradient", "weight"])
    trial = Trial(chance, reference, twist=f"{value} {what} {chance.randint(1, 900)}")
    failed(trial, "diverged")
    folder = trial.folder_afterwards
    trial.lost_since(read_json(folder.status)["heartbeat"])
    for path in (folder.last, folder.previous, folder.best()):
        if path.exists():
            finite = all(bool(tensor.isfinite().all()) for tensor in weights(path).values())
            trial.outcome.expect(finite, f"{path.name} has what is no number")
    trial.resume()
    trial.compare(reference.of(trial.argv))
    return trial.outcome


#: What is shown of each, and how often it is tried, of all trials.
FAULTS: dict[str, tuple[Fault, int]] = {
    "SIGKILL at any moment": (of_signals.killed, 9),
    "SIGKILL within 50 ms of a save's start": (of_signals.killed_while_saving, 6),
    "last.pt cut off, or a bit flipped": (of_files.damaged_checkpoint, 4),
    "TERM, INT, HUP": (of_signals.stopped, 3),
    "second Ctrl-C while the disk hangs": (of_signals.interrupted_twice, 2),
    "USR1, then SIGKILL": (of_signals.saved_on_request, 1),
    "terminal hung up": (of_terminals.hung_up, 2),
    "terminal read by nobody": (of_terminals.unread, 1),
    "terminal resized all the time": (of_terminals.resized, 1),
    "app: SIGKILL at any moment": (partial(of_signals.killed, in_app=True), 3),
    "app: TERM, INT, HUP": (partial(of_signals.stopped, in_app=True), 3),
    "app: USR1, then SIGKILL": (partial(of_signals.saved_on_request, in_app=True), 1),
    "app: terminal hung up": (partial(of_terminals.hung_up, in_app=True), 2),
    "app: hung up, attached, stopped": (of_terminals.attached, 2),
    "app: terminal read by nobody": (partial(of_terminals.unread, in_app=True), 1),
    "app: terminal resized all the time": (partial(of_terminals.resized, in_app=True), 1),
    "suspended and continued": (of_sessions.suspended, 2),
    "app: suspended and continued": (partial(of_sessions.suspended, in_app=True), 2),
    "app: hung up, then suspended": (
        partial(of_sessions.suspended, in_app=True, is_left=True),
        2,
    ),
    "terminal gone without a signal": (of_sessions.gone_in_silence, 1),
    "app: terminal gone without a signal": (
        partial(of_sessions.gone_in_silence, in_app=True),
        2,
    ),
    "attach: terminal gone without a signal": (of_sessions.attached_in_silence, 1),
    "reader gone": (of_sessions.reader_gone, 2),
    "stdout or stderr closed or full": (of_sessions.streams_spoilt, 2),
    "disk full, for a while or for good": (of_files.disk_full, 3),
    "no file may grow, likewise": (of_files.size_limited, 1),
    "cache full": (of_files.cache_full, 2),
    "run of somebody else, with code": (of_strangers.planted, 3),
    "file of a run is a link or a pipe": (of_strangers.linked, 3),
    "second program on the folder": (of_files.second_program, 1),
    "run folder removed": (of_files.folder_removed, 1),
    "run folder made read-only": (of_files.folder_read_only, 1),
    "metrics.jsonl cut in mid-line": (of_files.metrics_cut, 1),
    "data file cut off, or a bit flipped": (of_files.data_damaged, 2),
    "out of memory": (out_of_memory, 2),
    "NaN or infinity while it trains": (not_finite, 3),
    "clock set back": (clock_set_back, 1),
    "DataLoader's worker killed": (worker_killed, 1),
}
