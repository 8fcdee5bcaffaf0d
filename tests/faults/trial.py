"""Interrupts a run, resumes it, and compares it with one that was never interrupted."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import torch

from tests.faults.child import train
from tests.faults.screen import Screen
from tests.program import LONGEST, ROOT, metrics_lines, tutorch
from tui_app.runs.checkpoints.checkpoint import load_checkpoint
from tui_app.runs.errors import DamagedRun
from tui_app.runs.run_folder import RunFolder, read_json

#: Seconds between two checkpoints in a trial.
SAVE_EVERY = 0.25

#: Some 2 s of training with a checkpoint of 3 MB.
RUN = ("softmax", "--widths", "256", "--optimizer", "adam", "--lr", "0.001", "--epochs", "40")

_SERVER = multiprocessing.get_context("forkserver")


class TooLate(Exception):
    """The run was over before the fault could be made."""


@dataclass
class Outcome:
    """What came of a trial; `problems` is empty when all is as it should be."""

    went_on: bool = False
    lost: float = 0.0
    corrupt: list[str] = field(default_factory=list)
    tracebacks: int = 0
    terminal_restored: bool | None = None
    problems: list[str] = field(default_factory=list)

    def expect(self, is_so: bool, otherwise: str) -> None:
        """Note a problem unless `is_so`."""
        if not is_so:
            self.problems.append(otherwise)


class Reference:
    """The run that is never interrupted, by its arguments and twist; each is trained once."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._runs: dict[tuple[tuple[str, ...], str], RunFolder] = {}

    def of(self, argv: tuple[str, ...], twist: str = "") -> RunFolder:
        """The finished run with these arguments; with a twist, made so by whoever calls this."""
        if (argv, twist) not in self._runs:
            threads = ("--threads", "1")
            done = tutorch("--no-tui", *argv, *threads, "--quiet", "--runs-dir", self.place)
            assert done.exit_code == 0, done.err
            self._runs[argv, twist] = RunFolder(done.run)
        return self._runs[argv, twist]


class Trial:
    """A process that trains in a runs folder of its own: on a `screen`, `in_app` or without."""

    def __init__(
        self,
        chance: random.Random,
        reference: Reference,
        *options: str,
        argv: tuple[str, ...] = RUN,
        screen: Screen | None = None,
        in_app: bool = False,
        place: Path | None = None,
        twist: str = "",
    ) -> None:
        self.chance = chance
        self.argv = argv
        self.in_app = in_app
        self.outcome = Outcome()
        self.screen = Screen() if in_app and screen is None else screen
        self.place = place or Path(tempfile.mkdtemp(dir=reference.place))
        self.place.chmod(0o777)
        self.told = self.place / "told.txt"
        words = [*argv, "--threads", "1", "--save-every", str(SAVE_EVERY), *options]
        words += ["--runs-dir", str(self.place / "runs")]
        self.child = self.start(words if in_app else ["--no-tui", *words], self.screen, twist)
        if in_app:
            self.until(self._start_training)

    def start(
        self, words: Sequence[str], screen: Screen | None, twist: str = ""
    ) -> ForkServerProcess:
        """Run tutorch with these words in a process of its own."""
        terminal = screen.name if screen is not None else None
        child = _SERVER.Process(target=train, args=(words, self.told, terminal, twist))
        child.start()
        return child

    def _start_training(self) -> bool:
        """Press Start until there is a run: it can't be pressed before torch is loaded."""
        assert self.screen is not None
        if not list(self.place.glob("runs/*/*/run.json")):
            self.screen.press("s")
            return wait([self.child.sentinel], 0.2) != []
        return True

    @property
    def folder(self) -> RunFolder:
        """The run folder, as soon as training has begun in it."""
        self.until(lambda: bool(list(self.place.glob("runs/*/*/last.pt"))))
        (path,) = self.place.glob("runs/*/*")
        return RunFolder(path)

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self.child.pid is not None
        return self.child.pid

    def until(self, is_so: Callable[[], bool], otherwise: str = "training never began") -> None:
        """Look often until something `is_so`, as long as the process runs."""
        begun = time.monotonic()
        while not is_so():
            if wait([self.child.sentinel], 0.001):
                if self.child.exitcode == 0:
                    raise TooLate
                raise TimeoutError(f"the process has ended: {otherwise}: {self.words}")
            if time.monotonic() - begun > LONGEST:
                self.child.kill()
                raise TimeoutError(otherwise)

    def let_train(self, least: float = 0.0, most: float = 1.2) -> None:
        """Let it go on for a random time, unless it ends before."""
        wait([self.child.sentinel], self.chance.uniform(least, most))

    def signal(self, number: int) -> float:
        """Send a signal, if the process is still there to get it; when that was."""
        done = [read_json(path).get("state") for path in self.place.glob("runs/*/*/status.json")]
        if not self.child.is_alive() or "completed" in done:
            self.leave() if self.in_app else self.end()
            raise TooLate
        os.kill(self.pid, number)
        return time.time()

    def end(self) -> int:
        """Wait for its end; the exit code."""
        self.child.join(LONGEST)
        if self.child.is_alive():
            self.child.kill()
            self.child.join()
            self.outcome.problems.append(f"it hung: {self.words[-2000:]}")
        assert self.child.exitcode is not None
        return self.child.exitcode

    def leave(self) -> int:
        """Leave the app, whether it still trains or not; the exit code."""
        assert self.screen is not None
        for key in "qs" * 20:
            self.screen.press(key)
            if wait([self.child.sentinel], 0.5):
                break
        return self.end()

    def look_at_screen(self) -> None:
        """See whether the program that has ended left its terminal as it was."""
        assert self.screen is not None
        self.screen.read_to_end()
        self.outcome.terminal_restored = self.screen.is_restored()
        is_app = b"\x1b[?1049h" in self.screen.shown
        self.outcome.expect(is_app == self.in_app, "another way to train than was meant")
        self.outcome.expect(self.screen.is_restored(), "the terminal is not what it was")
        self.outcome.tracebacks += self.screen.shown.count(b"Traceback")
        self.outcome.expect(b"Traceback" not in self.screen.shown, self.screen.shown.decode())
        self.screen.hang_up()

    @property
    def words(self) -> str:
        """What the process wrote."""
        if self.screen is not None:
            return self.screen.shown.decode(errors="replace")
        return self.told.read_text(encoding="utf-8") if self.told.exists() else ""

    def resume(self) -> str:
        """Take the run up again, to its end, in this process; what it said."""
        folder = self.folder_afterwards
        ended = tutorch("resume", folder.path, "--no-tui")
        self.outcome.expect(ended.exit_code == 0, f"resume: exit {ended.exit_code}: {ended.err}")
        self.outcome.went_on = ended.exit_code == 0
        self.outcome.tracebacks += ended.err.count("Traceback")
        return ended.err

    @property
    def folder_afterwards(self) -> RunFolder:
        """The run folder, of a process that has ended."""
        (path,) = self.place.glob("runs/*/*")
        return RunFolder(path)

    def lost_since(self, moment: float) -> None:
        """Count what a death at `moment` takes: all since the checkpoint that is gone on from."""
        folder = self.folder_afterwards
        saved = [path.stat().st_mtime for path in (folder.last, folder.previous) if path.exists()]
        self.outcome.lost = max(self.outcome.lost, moment - max(saved, default=moment))

    def compare(self, reference: RunFolder, *, exactly: bool = True) -> None:
        """Look whether the run is the `reference`, bit by bit, and its files are whole."""
        folder, outcome = self.folder_afterwards, self.outcome
        for said in (self.words, folder.log.read_text(encoding="utf-8")):
            outcome.tracebacks += said.count("Traceback")
            outcome.expect("Traceback" not in said, said)
        outcome.corrupt += damaged(folder)
        if exactly:
            outcome.expect(record(folder) == record(reference), "other losses or values")
        for name in ("last.pt", "best.pt"):
            ours, theirs = (weights(f.path / name) for f in (folder, reference))
            same = [k in ours and torch.equal(ours[k], theirs[k]) for k in theirs]
            outcome.expect(all(same) and len(ours) == len(theirs), f"other weights in {name}")


def record(folder: RunFolder) -> list[Any]:
    """Every step's loss and every epoch's values, without times; none may stand there twice."""
    found: list[Any] = []
    for line in metrics_lines(folder.metrics):
        if line["kind"] == "steps":
            found += [(line["first_step"] + i, loss) for i, loss in enumerate(line["losses"])]
        elif line["kind"] in ("epoch", "best"):
            timeless = {k: v for k, v in line.items() if k not in _TIMES}
            found.append(timeless)
    return found


_TIMES = ("run", "seconds", "samples_per_second")


def weights(path: Path) -> dict[str, torch.Tensor]:
    """The weights in a checkpoint."""
    state = load_checkpoint(path)
    return state.get("model", state)


def damaged(folder: RunFolder) -> list[str]:
    """The files of a run that are not whole, or should not be there."""
    return [path.name for path in folder.path.iterdir() if not _is_whole(path)]


def _is_whole(path: Path) -> bool:
    try:
        if path.suffix == ".pt":
            load_checkpoint(path)
        elif path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".jsonl":
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            return all(line.endswith("\n") and json.loads(line) for line in lines)
    except (DamagedRun, ValueError):
        return False
    return path.suffix != ".tmp"


def start_server() -> None:
    """Load all that trials need once, in the process that theirs are forked from."""
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    os.environ |= {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "TUTORCH_STATE_DIR": ""}
    _SERVER.set_forkserver_preload(["tests.faults.child"])
