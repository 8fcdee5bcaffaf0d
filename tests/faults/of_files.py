"""Injects faults of disks and files: full, removed, read-only, cut off, changed."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.faults.of_terminals import completed
from tests.faults.screen import Screen
from tests.faults.trial import RUN, Outcome, Reference, TooLate, Trial
from tests.program import tutorch
from tui_app.runs.exit_codes import ExitCode


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
    _damage(folder.last, chance)
    trial.resume()
    trial.compare(reference.of(trial.argv))
    return trial.outcome


def _damage(path: Path, chance: random.Random, start: int = 0) -> None:
    """Cut a file off at any byte from `start` on, or make one of its bits wrong."""
    content = bytearray(path.read_bytes())
    at = chance.randrange(start, len(content))
    if chance.random() < 0.5:
        del content[at:]
    else:
        content[at] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def disk_full(chance: random.Random, reference: Reference) -> Outcome:
    """A small disk of the run's own is full, for a while or for good."""
    place = Path(tempfile.mkdtemp(dir=reference.place))
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tutorch-fault", str(place)]
    if subprocess.run(mount, capture_output=True).returncode != 0:  # only root may
        return size_limited(chance, reference)
    try:
        trial = Trial(chance, reference, screen=Screen(), place=place)
        ballast = place / "ballast"

        def fill() -> None:
            with ballast.open("wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    pass

        def empty() -> None:
            ballast.unlink(missing_ok=True)  # emptied twice when the run ended before the first

        return _full(trial, reference, lambda: _until_full(fill), empty, "No space left")
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def _until_full(fill: Callable[[], None]) -> None:
    try:
        fill()
    except OSError:
        return


def size_limited(chance: random.Random, reference: Reference) -> Outcome:
    """No file may grow any more, or for a while: neither what is saved nor what is recorded."""
    trial = Trial(chance, reference, screen=Screen())  # where it is told, on a full disk too
    folder = trial.folder

    def fill() -> None:
        largest = max(1, folder.metrics.stat().st_size - 10) if folder.metrics.exists() else 1
        _limit_files(trial, largest)

    def empty() -> None:
        _limit_files(trial, resource.RLIM_INFINITY)

    return _full(trial, reference, fill, empty, "File too large")


def _limit_files(trial: Trial, largest: int) -> None:
    try:
        limits = (largest, resource.RLIM_INFINITY)
        resource.prlimit(trial.pid, resource.RLIMIT_FSIZE, limits)
    except ProcessLookupError:
        if largest != resource.RLIM_INFINITY:
            raise TooLate from None


def _full(
    trial: Trial,
    reference: Reference,
    fill: Callable[[], None],
    empty: Callable[[], None],
    said: str,
) -> Outcome:
    chance = trial.chance
    assert trial.folder.last.exists()
    trial.let_train(most=0.5)
    fill()
    is_for_good = chance.random() < 0.5
    if not is_for_good:
        trial.let_train(0.3, 0.6)
        is_for_good = not trial.child.is_alive()  # its last save found the disk still full
        empty()
    if not is_for_good:
        return completed(trial, reference)
    code = trial.end()
    empty()
    if code == ExitCode.DONE:
        raise TooLate
    trial.look_at_screen()
    trial.outcome.expect(code == ExitCode.FAILED, f"exit {code}")
    trial.outcome.expect(said in trial.words, f"not said: {trial.words}")
    trial.resume()
    trial.compare(reference.of(trial.argv))
    return trial.outcome


def cache_full(chance: random.Random, reference: Reference) -> Outcome:
    """Data too large for memory find no room in the cache; with room, the run trains."""
    data = _table(reference)
    argv = ("09_softmax", *RUN[1:-1], "3", "--dataset", f"csv:{data}", "--target", "species")
    cache = Path(tempfile.mkdtemp(dir=reference.place))
    size = chance.randint(64, 200)  # of the 240 KiB that the values of the table take
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tutorch-fault", str(cache)]
    is_mounted = subprocess.run(mount, capture_output=True).returncode == 0
    try:
        kind = "cache" if is_mounted else "limit"
        trial = Trial(chance, reference, argv=argv, twist=f"{kind} {cache}")
        code, outcome = trial.end(), trial.outcome
        codes = (ExitCode.FAILED, ExitCode.DATA_UNAVAILABLE)
        outcome.expect(code in codes, f"exit {code}: {trial.words}")
        said = "No space left" if is_mounted else "File too large"
        outcome.expect(said in trial.words, f"not said: {trial.words}")
        outcome.tracebacks += trial.words.count("Traceback")
        outcome.corrupt += [path.name for path in cache.rglob("*.part")]
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", str(cache)], check=True)
    again = Trial(chance, reference, argv=argv, twist=f"cache {cache}")
    code = again.end()
    outcome.expect(code == ExitCode.DONE, f"with room: exit {code}: {again.words}")
    outcome.went_on = code == ExitCode.DONE
    return outcome


def second_program(chance: random.Random, reference: Reference) -> Outcome:
    """Another program wants to train in the same folder."""
    trial = Trial(chance, reference)
    folder = trial.folder
    trial.let_train(most=0.5)
    ended = tutorch("resume", folder.path, "--no-tui")
    if trial.child.is_alive():
        trial.outcome.expect(ended.exit_code == ExitCode.RUN_LOCKED, f"exit {ended.exit_code}")
    return completed(trial, reference)


def folder_removed(chance: random.Random, reference: Reference) -> Outcome:
    """The run folder is removed: training goes on, and says that nothing could be saved."""
    trial = Trial(chance, reference)
    path = trial.folder.path
    trial.let_train(most=0.5)
    # Until it is gone: a file may be made in it while it is being removed.
    trial.until(lambda: shutil.rmtree(path, ignore_errors=True) or not path.exists())
    return failed(trial, "could not be saved")


def folder_read_only(chance: random.Random, reference: Reference) -> Outcome:
    """The run folder becomes read-only, for a user for whom that means something."""
    trial = Trial(chance, reference, twist="rights")
    folder = trial.folder
    trial.let_train(most=0.5)
    folder.path.chmod(0o555)
    failed(trial, "Permission denied")
    folder.path.chmod(0o755)
    trial.resume()
    trial.compare(reference.of(trial.argv))
    return trial.outcome


def failed(trial: Trial, said: str) -> Outcome:
    """The outcome of a run that is to end with a failure, and a sentence about it."""
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
    trial.outcome.expect("cut or replaced" in trial.words, "not said")
    trial.outcome.went_on = code == ExitCode.DONE
    trial.compare(reference.of(trial.argv), exactly=False)
    # The line that was cut is not a whole one, and was not made so by the fault's victim.
    trial.outcome.corrupt = [name for name in trial.outcome.corrupt if name != "metrics.jsonl"]
    return trial.outcome


def data_damaged(chance: random.Random, reference: Reference) -> Outcome:
    """The data file is cut off or has a wrong bit while a run learns from it, which is killed."""
    data = _table(reference)
    whole = data.read_bytes()
    own = ("--dataset", f"csv:{data}", "--target", "species")
    trial = Trial(chance, reference, argv=(*RUN, *own))
    expected = reference.of(trial.argv)
    folder, outcome = trial.folder, trial.outcome
    trial.let_train(most=0.3)
    try:
        _damage(data, chance, start=whole.index(b"\n") + 1)
        trial.let_train(most=0.3)
        trial.signal(signal.SIGKILL)
        trial.end()
        saved = folder.last.read_bytes() if folder.last.exists() else b""
        refused = tutorch("resume", folder.path, "--no-tui")
        codes = (ExitCode.FAILED, ExitCode.DATA_UNAVAILABLE)
        outcome.expect(refused.exit_code in codes, f"exit {refused.exit_code}: {refused.err}")
        after = folder.last.read_bytes() if folder.last.exists() else b""
        outcome.expect(saved == after, "a checkpoint was touched")
    finally:
        data.write_bytes(whole)
    trial.resume()
    trial.compare(expected)
    return outcome


def _table(reference: Reference) -> Path:
    """Three classes of flowers, measured 40 ways, 1 500 of them."""
    path = reference.place / "flowers.csv"
    if path.exists():
        return path
    chance = np.random.default_rng(0)
    classes = chance.integers(0, 3, 1500)
    values = chance.normal(size=(1500, 40)) + classes[:, None]
    rows = [
        ",".join([*(f"{value:.6f}" for value in row), f"flower{kind}"])
        for row, kind in zip(values, classes, strict=True)
    ]
    columns = [*(f"width{number}" for number in range(40)), "species"]
    path.write_text("\n".join([",".join(columns), *rows]) + "\n", encoding="utf-8")
    return path
