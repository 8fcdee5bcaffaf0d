"""Kills a rank of a run at random moments, resumes the run, and prints what was lost.

Usage: python -m tests.faults.rank_kills [--trials 10] [--torchrun]
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.rank_trial import RUN, RankTrial
from tests.program import metrics_lines
from tui_app.runs.checkpoints.checkpoint import load_checkpoint
from tui_app.runs.run_folder import RunFolder

#: Seconds until the kill, at most: from the start of the processes in each third trial, else from
#: the first step.
_LATEST = 5.0

_HEAD = """\
| trial | rank | killed at step | seconds to the end | exit code | last.pt | named | resumed |
|---|---|---|---|---|---|---|---|
"""


def main() -> int:
    """Run the trials; 0 when nothing hung and nothing was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.rank_kills", description=__doc__)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--torchrun", action="store_true", help="with --max-restarts 1")
    arguments = parser.parse_args()
    chance, is_right = random.Random(arguments.seed), True
    sys.stdout.write(_HEAD)
    for number in range(arguments.trials):
        with tempfile.TemporaryDirectory(prefix="tutorch-ranks-") as place:
            row = _kill(Path(place), chance, number, with_torchrun=arguments.torchrun)
        is_right &= row[-1] == "yes"
        sys.stdout.write(f"| {number + 1} | {' | '.join(map(str, row))} |\n")
        sys.stdout.flush()
    return int(not is_right)


def _kill(
    place: Path, chance: random.Random, number: int, *, with_torchrun: bool
) -> tuple[object, ...]:
    rank, torchrun = number % 2, ("--max-restarts", "1") if with_torchrun else None
    trial = RankTrial(place, *RUN, "--epochs", 120, torchrun=torchrun)
    trial.until(lambda: len(trial.ranks()) == 2)
    if number % 3:
        trial.until_step(1)
    time.sleep(chance.uniform(0.0, _LATEST))
    step = trial.status.get("step", "before the first")
    trial.ranks()[rank].kill()
    killed = time.monotonic()
    exit_code, _ = trial.end()
    seconds = time.monotonic() - killed
    named = "yes" if f"rank {rank} " in trial.said else "no"
    if not list(trial.runs.glob("*/*/run.json")):
        return rank, step, f"{seconds:.1f}", exit_code, "no run began", named, "yes"
    folder = trial.folder
    saved = load_checkpoint(folder.last)["step"] if folder.has_checkpoint() else "none yet"
    resumed = trial
    if exit_code:
        resumed = RankTrial(place, "resume", folder.path, "--no-tui", "--quiet")
        exit_again, _ = resumed.end()
        assert exit_again == 0, resumed.said
    whole = "yes" if _is_whole(folder) and resumed.status["state"] == "completed" else "NO"
    return rank, step, f"{seconds:.1f}", exit_code, saved, named, whole


def _is_whole(folder: RunFolder) -> bool:
    """Whether every step was recorded once, and last.pt is that of the last one."""
    steps = metrics_lines(folder.metrics, "steps")
    trained = [line["first_step"] + i for line in steps for i in range(len(line["losses"]))]
    last = load_checkpoint(folder.last)["step"]
    return trained == list(range(1, last + 1)) and last == 120 * 23


if __name__ == "__main__":
    sys.exit(main())
