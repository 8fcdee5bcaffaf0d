"""Lets several processes search at once and kills some of them; then checks every trial.

python -m tests.search.killing [--rounds N] [--storage URL]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from tests.program import LONGEST, environment, metrics_lines, tutorch
from tui_app.search.study import open_study
from tui_app.search.summary import StudySummary, read_study

WORKERS = 4
EPOCHS = 6


def words(name: str, runs: Path, storage: str, trials: int) -> list[str]:
    """The words of a search that any of the processes begins or joins."""
    options = ["--epochs", EPOCHS, "--device", "cpu", "--threads", 1, "--pruner", "none"]
    options += ["--save-every", 0.1]
    place = ["--runs-dir", runs, *(["--storage", storage] if storage else [])]
    vary = ["--vary", "lr=1e-3..1:log", "--vary", "widths=32|16"]
    begun = ["search", "softmax", *vary, "--study", name, "--trials", trials, *options, *place]
    return [str(word) for word in begun]


#: Loads everything once, then forks: starting torch takes seconds.
FORKING = """
import os, sys
import tui_app.headless.search
from tui_app.cli import run
for _ in range(int(sys.argv[1])):
    if (pid := os.fork()) == 0:
        code = run(sys.argv[2:])
        sys.stderr.flush()
        os._exit(code)
    print(pid, flush=True)
print("started", flush=True)
while True:
    try:
        pid, status = os.wait()
    except ChildProcessError:
        break
    print(pid, os.waitstatus_to_exitcode(status), flush=True)
"""


@contextmanager
def several(argv: list[str], count: int, log: Path) -> Iterator[subprocess.Popen[str]]:
    """Let so many processes run tutorch at once. Its output names their pids, and after `started`
    each pid with its exit code.
    """
    with log.open("ab") as file:
        started = subprocess.Popen(
            [sys.executable, "-c", FORKING, str(count), *argv],
            env=environment(OMP_NUM_THREADS="1"),
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
            start_new_session=True,
        )
    try:
        yield started
    finally:
        with suppress(ProcessLookupError):  # they and it are a group of their own
            os.killpg(started.pid, signal.SIGKILL)
        started.communicate()


def exit_codes(started: subprocess.Popen[str]) -> dict[int, int]:
    """The exit code of each process, once all have ended."""
    out, _ = started.communicate(timeout=LONGEST)
    lines = [line.split() for line in out.splitlines()]
    return {int(pid): int(code) for pid, code in filter(lambda words: len(words) == 2, lines)}


def check(name: str, runs: Path, storage: str, trials: int) -> StudySummary:
    """Every trial is whole, has a run of its own, and is counted once."""
    summary = read_study(name, runs, storage)
    assert [trial.number for trial in summary.trials] == list(range(trials)), summary.progress
    assert {trial.state for trial in summary.trials} == {"completed"}, summary.progress
    recorded = {path.parent: json.loads(path.read_text()) for path in runs.glob("*/*/run.json")}
    assert sorted(record["study"]["trial"] for record in recorded.values()) == list(range(trials))
    for trial in summary.trials:
        assert trial.run is not None
        assert recorded[trial.run]["study"] == {"name": name, "trial": trial.number}
        epochs = [line["epoch"] for line in metrics_lines(trial.run / "metrics.jsonl", "epoch")]
        assert epochs == list(range(1, EPOCHS + 1))
        status = json.loads((trial.run / "status.json").read_text())
        assert (status["state"], status["best_value"]) == ("completed", trial.metric_value)
        assert (trial.run / "last.pt").exists()
    with closing(open_study(name, runs, storage)) as study:
        assert all(len(each.intermediate_values) == EPOCHS for each in study.trials())
    return summary


def _wait_for_epochs(runs: Path, count: int) -> None:
    """Wait until so many runs have trained an epoch."""
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        texts = [path.read_text() for path in runs.glob("*/*/metrics.jsonl")]
        if sum('"kind": "epoch' in text for text in texts) >= count:
            return
        time.sleep(0.02)
    raise TimeoutError("no run trains")


def kill_two(
    place: Path, trials: int, storage: str = "", seed: int = 0, longest: float = 2.0
) -> int:
    """Search with four processes, kill two at random moments, at most `longest` seconds apart, and
    finish here what they left. The number of runs that were resumed.
    """
    moments, name, runs = random.Random(seed), f"killed-{seed}", place / f"runs-{seed}"
    argv = words(name, runs, storage, trials)
    log = place / f"log-{seed}.txt"
    with several(argv, WORKERS, log) as started:
        assert started.stdout is not None
        pids = [int(line) for line in iter(started.stdout.readline, "started\n")]
        _wait_for_epochs(runs, 2)
        for pid in moments.sample(pids, 2):
            time.sleep(moments.uniform(0.0, longest))
            with suppress(ProcessLookupError):  # it was faster
                os.kill(pid, signal.SIGKILL)
        codes = exit_codes(started)
    assert set(codes) <= set(pids)
    assert sorted(codes.values())[2:] == [0, 0], log.read_text()
    assert tutorch(*argv).exit_code == 0
    assert "Traceback" not in log.read_text(), log.read_text()
    check(name, runs, storage, trials)
    resumed = [path for path in runs.glob("*/*/log.txt") if "continues after" in path.read_text()]
    return len(resumed)


def main() -> None:
    """Kill again and again, and print what was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--storage", default="")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        for seed in range(arguments.rounds):
            start = time.monotonic()
            again = kill_two(Path(place), arguments.trials, arguments.storage, seed)
            seconds = time.monotonic() - start
            print(  # noqa: T201  the report
                f"round {seed}: {arguments.trials} trials whole, none twice; "
                f"{again} resumed; {seconds:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
