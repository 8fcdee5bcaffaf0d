"""Runs checks one after another, each in a process of its own with a time limit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from tests.gpu.check import Check, Row
from tests.gpu.rows import append_row, read_rows, summary_of, table_of

_ROOT = Path(__file__).resolve().parents[2]

#: Seconds for a check that is over its time to end the programs that it started.
_GRACE = 5.0


@dataclass(frozen=True)
class Report:
    """The folder of the results: `rows.jsonl`, the table `table.md`, and `log.txt`."""

    folder: Path

    @property
    def rows(self) -> Path:
        """A row a line, as they are found."""
        return self.folder / "rows.jsonl"

    @property
    def table(self) -> Path:
        """The table in Markdown, written anew after each check."""
        return self.folder / "table.md"

    @property
    def log(self) -> Path:
        """What the checks' programs print."""
        return self.folder / "log.txt"

    def begin(self) -> None:
        """Make the folder; results of an earlier call are replaced."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in (self.rows, self.table, self.log):
            path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Runner:
    """Runs checks and writes the report. `seconds` bounds all of them together.

    Each check may take `slowness` times its own seconds.
    """

    report: Report
    data_dir: Path
    seconds: float
    slowness: float = 1.0
    rehearsal: bool = False

    def run(self, checks: Sequence[Check]) -> bool:
        """Run the checks; whether every row is ok or has nothing to judge."""
        self.report.begin()
        started = time.monotonic()
        for check in checks:
            left = self.seconds - (time.monotonic() - started)
            before = len(read_rows(self.report.rows))
            self._run(check, min(left, self.slowness * check.seconds))
            rows = read_rows(self.report.rows)
            total = time.monotonic() - started
            self.report.table.write_text(table_of(rows) + "\n" + summary_of(rows, total), "utf-8")
            for row in rows[before:]:
                text = f"{total:5.0f} s  {row['check']}: {row['what']}: {row['result']}"
                sys.stdout.write(f"{text} ({row['verdict']})\n")
            sys.stdout.flush()
        return all(row["verdict"] in ("ok", "n/a") for row in read_rows(self.report.rows))

    def _run(self, check: Check, limit: float) -> None:
        """Run a check; a row says so if no time is left, or if it dies or takes too long."""
        rows, started = self.report.rows, time.monotonic()
        if limit <= 0:
            append_row(rows, check.name, Row("all of it", "no time was left", "failed"), 0)
            return
        words = [json.dumps(asdict(check)), str(rows), str(self.data_dir)]
        words += ["rehearsal"] if self.rehearsal else []
        with self.report.log.open("ab") as log:
            log.write(f"\n{check.name}\n".encode())
            log.flush()
            child = subprocess.Popen(
                [sys.executable, "-m", "tests.gpu.child", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=_ROOT,
                env=environment(),
            )
            try:
                child.wait(limit)
                problem = death_of(child.returncode)
            except subprocess.TimeoutExpired:
                problem = f"not done after {limit:.0f} s"
            finally:
                end(child)
        if problem:
            row = Row("to its end", f"{problem}; see {self.report.log.name}", "failed")
            append_row(rows, check.name, row, time.monotonic() - started)


def environment() -> dict[str, str]:
    """The checks' environment: the checkout importable, no settings and no trust of the user's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TUTORCH_")}
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    return {**kept, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "TUTORCH_STATE_DIR": ""}


def death_of(code: int) -> str:
    """How a process with this return code died; empty if it ended as it should."""
    if code < 0:
        return f"died of {signal.Signals(-code).name}"
    return f"ended with exit code {code}" if code else ""


def end(child: subprocess.Popen[bytes], grace: float = _GRACE) -> None:
    """End the process and those that it started, if they still run."""
    if child.poll() is not None:
        return
    theirs = psutil.Process(child.pid).children(recursive=True)
    child.terminate()
    try:
        child.wait(grace)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    for process in theirs:
        if process.is_running():
            process.kill()


def end_on_signals() -> None:
    """Let a hang-up and a termination end the check that runs, as an interrupt does."""
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda got, _: sys.exit(128 + got))


def is_cuda_there() -> tuple[bool, str]:
    """Whether torch finds a CUDA device, and the sentence if it doesn't."""
    try:
        import torch
    except ImportError as error:
        return False, f"tests.gpu needs torch: {error}"
    if torch.cuda.is_available():
        return True, ""
    built = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
    return (
        False,
        f"tests.gpu needs a CUDA device, and torch {torch.__version__}, {built}, finds none",
    )
