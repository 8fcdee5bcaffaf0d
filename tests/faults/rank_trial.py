"""Starts a run on several ranks, with --devices or with torchrun, and kills one of them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from tests.program import LONGEST, command, environment
from tui_app.runs.run_folder import RunFolder

#: A run that saves often, whose epochs take a tenth of a second.
RUN = ("--no-tui", "softmax", "--widths", "64", "--save-every", "0.2")


class RankTrial:
    """A run on two ranks in a runs folder of its own.

    `torchrun` are the options of torchrun that starts it, and None if `--devices` does.
    """

    def __init__(
        self, place: Path, *words: object, torchrun: tuple[str, ...] | None = None
    ) -> None:
        self.runs = place / "runs"
        self.errors = place / "stderr.txt"
        ranks = ("--nproc-per-node", "2")
        argv = [*map(str, words), "--runs-dir", str(self.runs)]
        if torchrun is None:
            argv = command(*argv, "--devices", 2)
        else:
            run = ["-m", "torch.distributed.run", *ranks, *torchrun, "-m", "tui_app"]
            argv = [sys.executable, *run, *argv]
        with self.errors.open("a", encoding="utf-8") as errors:
            self.process = subprocess.Popen(
                argv,
                env=environment(OMP_NUM_THREADS="1"),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self.begun: list[psutil.Process] = []

    def ranks(self) -> dict[int, psutil.Process]:
        """The processes that are ranks now, by their number."""
        found = {}
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if (rank := process.environ().get("RANK")) is not None:
                    found[int(rank)] = process
            except psutil.Error:  # it has just ended
                continue
        self.begun += found.values()
        return found

    @property
    def folder(self) -> RunFolder:
        """The one run folder."""
        (path,) = self.runs.glob("*/*")
        return RunFolder(path)

    @property
    def status(self) -> dict[str, Any]:
        """What status.json says; empty before there is one."""
        for path in self.runs.glob("*/*/status.json"):
            return json.loads(path.read_text(encoding="utf-8"))
        return {}

    def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something `is_so`, as long as the run goes on."""
        begun = time.monotonic()
        while not is_so():
            assert self.process.poll() is None, self.said
            assert time.monotonic() - begun < LONGEST, self.said
            time.sleep(0.05)

    def until_step(self, step: int) -> None:
        """Wait until so many steps are trained."""
        self.until(lambda: self.status.get("step", 0) >= step)

    def end(self) -> tuple[int, str]:
        """Wait for the end: the exit code and stdout. Nothing that began is left behind."""
        try:
            out, _ = self.process.communicate(timeout=LONGEST)
        finally:
            self.process.kill()
            _, left = psutil.wait_procs(self.begun, timeout=20)
            for process in left:
                process.kill()
        assert left == []
        return self.process.returncode, out

    @property
    def said(self) -> str:
        """What stderr got so far."""
        return self.errors.read_text(encoding="utf-8", errors="replace")
