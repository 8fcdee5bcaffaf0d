"""Lets several processes search at once and kills some of them; then checks every trial.

python -m tests.search.killing [--rounds N] [--storage URL]
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.program import LONGEST, command, environment, metrics_lines
from tui_app.search.study import open_study
from tui_app.search.summary import StudySummary, read_study

WORKERS = 4
EPOCHS = 20


def words(name: str, runs: Path, storage: str, trials: int) -> list[str]:
    """The words of a search that any of the processes begins or joins."""
    options = ["--epochs", EPOCHS, "--device", "cpu", "--threads", 1, "--pruner", "none"]
    options += ["--save-every", 0.1]
    place = ["--runs-dir", runs, *(["--storage", storage] if storage else [])]
    vary = ["--vary", "lr=1e-3..1:log", "--vary", "widths=32|16"]
    begun = ["search", "softmax", *vary, "--study", name, "--trials", trials, *options, *place]
    return [str(word) for word in begun]


@contextmanager
def several(argv: list[str], count: int, log: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start so many processes at once; none outlives this context."""
    variables = environment(OMP_NUM_THREADS="1")
    with log.open("ab") as file:
        started = [
            subprocess.Popen(command(*argv), env=variables, stdout=file, stderr=file)
            for _ in range(count)
        ]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


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


def kill_two(place: Path, trials: int, storage: str = "", seed: int = 0) -> int:
    """Search with four processes, kill two at random moments, and let one more finish what they
    left; the number of trials that were taken again.
    """
    moments, name, runs = random.Random(seed), f"killed-{seed}", place / f"runs-{seed}"
    argv = words(name, runs, storage, trials)
    with several(argv, WORKERS, place / f"log-{seed}.txt") as processes:
        end = time.monotonic() + LONGEST
        while len(list(runs.glob("*/*/run.json"))) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        for process in processes[:2]:
            time.sleep(moments.uniform(0.0, 3.0))
            process.send_signal(signal.SIGKILL)
        codes = [process.wait(LONGEST) for process in processes]
    log = (place / f"log-{seed}.txt").read_text()
    assert codes[2:] == [0, 0], log
    assert "Traceback" not in log, log
    with several(argv, 1, place / f"log-{seed}.txt") as (last,):
        assert last.wait(LONGEST) == 0, (place / f"log-{seed}.txt").read_text()
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
