"""Texts in a run's files reach the app's terminal as plain text only."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.pilot import Sitting
from tui_app.app.app import TutorchApp
from tui_app.app.screens.run import RunScreen
from tui_app.app.screens.runs_screen.runs import RunsScreen
from tui_app.runs.run_folder import RunFolder

#: Clears the screen, names the window, moves the cursor; the same in one byte; markup; a reversal.
HOSTILE = "\x1b[2J\x1b]0;x\x07\x1b[5;5H\x9b2J[red]r[/]\u202eabc"


def spoiled(value: Any) -> Any:
    """The value with every text in it made hostile, and every name."""
    if isinstance(value, dict):
        return {name: spoiled(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [spoiled(inner) for inner in value]
    return value + HOSTILE if isinstance(value, str) else value


def spoil(run: Path) -> Path:
    """Make all that is told of the run hostile, and its name."""
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    record["hyperparameters"] = spoiled(record["hyperparameters"]) | {HOSTILE: HOSTILE}
    for name in ("dataset", "device", "metric", "lecture", "threads_reason"):
        record[name] = spoiled(record[name])
    (run / "run.json").write_text(json.dumps(record), encoding="utf-8")
    status = json.loads((run / "status.json").read_text(encoding="utf-8"))
    (run / "status.json").write_text(json.dumps(spoiled(status)), encoding="utf-8")
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    with (run / "metrics.jsonl").open("w", encoding="utf-8") as file:
        for line in map(json.loads, lines):
            more = {f"test_{HOSTILE}": 0.5} if line["kind"] == "epoch" else {}
            kind = {"kind": line["kind"]}
            file.write(json.dumps({**spoiled(line), **more, **kind}) + "\n")
    with (run / "log.txt").open("a", encoding="utf-8") as file:
        file.write(f"2026-01-01 00:00:00  note: {HOSTILE}\n{HOSTILE}\n")
    return run.rename(run.parent / f"{run.name}{HOSTILE.replace('/', '')}")


def is_clean(person: Sitting) -> bool:
    """Whether nothing on the screen is a code for the terminal."""
    return all(unicodedata.category(char)[0] != "C" or char == "\n" for char in person.text)


def test_a_run_of_hostile_texts_is_only_text(trained: Callable[..., Path]):
    run = spoil(trained("04", "--epochs", "2"))

    async def look() -> None:
        app = TutorchApp(None, {"runs_dir": "runs"})
        async with app.run_test(size=(140, 40)) as pilot:
            person = Sitting(app, pilot)
            await person.until(lambda: person.is_ready)
            app.open_run(RunFolder(run))
            await person.until(lambda: isinstance(app.screen, RunScreen))
            await person.until(lambda: "note" in person.text)
            assert is_clean(person), repr(person.text)
            assert "[red]r[]" in person.text, "markup is no markup"
            for _ in range(4):
                await person.press("m")
                assert is_clean(person), repr(person.text)
            await person.press("escape")
            app.open_runs()
            await person.until(lambda: isinstance(app.screen, RunsScreen))
            await person.until(lambda: "04" in person.text and "runs" in person.text)
            await pilot.pause()
            assert is_clean(person), repr(person.text)

    asyncio.run(look())
