"""Injects faults into runs, resumes and compares them, and prints the results."""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import psutil

from tests.faults.kinds import FAULTS, Fault
from tests.faults.trial import SAVE_EVERY, Outcome, Reference, TooLate, start_server

#: How often a fault is tried to be made before a run is over.
_ATTEMPTS = 10

#: Characters shown of what went wrong: the last ones of what a screen had.
_TOLD = 1200


def main() -> int:
    """Run the trials; 0 when every one of them ended as it should."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--trials", type=int, default=len(FAULTS), help="how many in all")
    parser.add_argument("--only", default="", help="a part of a fault's name")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin none after so long")
    parser.add_argument("--seed", type=int, default=0, help="of the faults' moments")
    arguments = parser.parse_args()
    start_server()
    # Short, in a folder that another user may enter too.
    with tempfile.TemporaryDirectory(prefix="tutorch-faults-", dir="/tmp") as place:
        Path(place).chmod(0o755)
        os.chdir(place)
        reference, outcomes = Reference(Path(place)), defaultdict[str, list[Outcome]](list)
        begun = time.monotonic()
        for number, name in enumerate(plan(arguments.trials, arguments.only)):
            if time.monotonic() - begun > 60 * arguments.minutes:
                break
            chance = random.Random(f"{arguments.seed} {number}")
            outcomes[name].append(attempt(FAULTS[name][0], chance, reference))
            for problem in outcomes[name][-1].problems:
                sys.stderr.write(f"trial {number}, {name}: {problem[-_TOLD:]}\n")
    count = sum(map(len, outcomes.values()))
    sys.stdout.write(f"{table(outcomes)}{count} trials in {time.monotonic() - begun:.0f} s.\n")
    return int(any(outcome.problems for group in outcomes.values() for outcome in group))


def plan(trials: int, only: str = "") -> list[str]:
    """The fault of each trial: all in turn, in proportion to how often each is to be tried."""
    names = [name for name in FAULTS if only in name]
    turns = {name: [(i + 0.5) / FAULTS[name][1] for i in range(trials)] for name in names}
    schedule = sorted((turn, name) for name in names for turn in turns[name])
    return [name for _, name in schedule[:trials]]


def attempt(fault: Fault, chance: random.Random, reference: Reference) -> Outcome:
    """One trial; what breaks the trial itself is a problem of its own."""
    for _ in range(_ATTEMPTS):
        try:
            return fault(chance, reference)
        except TooLate:
            continue
        except (TimeoutError, OSError, ValueError, psutil.Error) as error:
            return Outcome(problems=[f"{type(error).__name__}: {error}"])
    return Outcome(problems=["every run was over before the fault could be made"])


def table(outcomes: dict[str, list[Outcome]]) -> str:
    """The outcomes in Markdown, a line for each fault."""
    lines = [
        "| fault | trials | resumed or went on | s of training lost, at most | corrupt files "
        "| tracebacks | terminal restored |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, group in outcomes.items():
        on_terminal = [o for o in group if o.terminal_restored is not None]
        restored = sum(bool(o.terminal_restored) for o in on_terminal)
        cells = [
            name,
            len(group),
            sum(o.went_on for o in group),
            f"{max(o.lost for o in group):.2f}",
            sum(len(o.corrupt) for o in group),
            sum(o.tracebacks for o in group),
            f"{restored} of {len(on_terminal)}" if on_terminal else "-",
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join([*lines, "", f"A checkpoint every {SAVE_EVERY} s.", ""])


if __name__ == "__main__":
    sys.exit(main())
