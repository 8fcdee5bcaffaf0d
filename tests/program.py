"""Runs tutorch in tests, inside this process (where torch is loaded) or in its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from datasets import Data, DataSpec, Split
from models import find_lecture
from models.loading.load import load_lecture
from models.user_files.trust import allow_named_file
from tui_app.cli import run
from tui_app.inspection.diagnosis.listener import DiagnosisListener
from tui_app.runs.events import Event, RunCompleted
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.metrics.metrics_codec import to_plain
from tui_app.runs.metrics.metrics_file import read_events
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training.resume import resume_run
from tui_app.training.session import Session
from tui_app.training.start import start_run
from tui_app.training.steering.control import Control

ROOT = Path(__file__).resolve().parents[1]

#: Seconds that a test waits for what ought to come at once: a busy machine is no fault.
LONGEST = 240.0


@dataclass(frozen=True)
class Ended:
    """How a call of tutorch ended: its exit code, and what it wrote."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """All of stdout as one JSON document."""
        return json.loads(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        """stdout as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def run(self) -> Path:
        """The folder of the run that was trained: the one line on stdout."""
        (line,) = self.out.splitlines()
        return Path(line)


def tutorch(*argv: object) -> Ended:
    """Run tutorch with `argv` inside this process.

    Whatever it was asked, it ends with a documented exit code, shows no traceback and writes
    nothing that a terminal would act upon.
    """
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        exit_code = run([str(word) for word in argv])
    ended = Ended(int(exit_code), out.getvalue(), err.getvalue())
    assert ended.exit_code in set(ExitCode)
    assert "Traceback" not in ended.err
    for char in set(ended.out + ended.err) - {"\n"}:
        assert unicodedata.category(char)[0] != "C", f"{char!a} reached the terminal"
    return ended


def train(*argv: object) -> Path:
    """The folder of a run that is trained here and now."""
    ended = tutorch("--no-tui", *argv)
    assert ended.exit_code == 0, ended.err
    return ended.run


def metrics_lines(path: Path, kind: str = "") -> list[dict[str, Any]]:
    """The events of a metrics.jsonl as plain values, all of them or those of a kind."""
    events = map(to_plain, read_events(path, Event))
    return [values for values in events if kind in ("", values["kind"])]


def command(*argv: object, first: str = "") -> list[str]:
    """The words that run tutorch in a process of its own, after the code `first`."""
    if first:
        code = f"import sys\n{first}\nfrom tui_app.__main__ import main\nsys.exit(main())"
        return [sys.executable, "-c", code, *map(str, argv)]
    return [sys.executable, "-m", "tui_app", *map(str, argv)]


def environment(**variables: str) -> dict[str, str]:
    """The environment of such a process: this one's, the checkout importable, and `variables`."""
    nothing_kept = {"TUTORCH_STATE_DIR": ""}
    # What the packages of this process may be found by stays behind the checkout.
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**nothing_kept, **os.environ, "PYTHONPATH": path, **variables}


def python(code: str, **variables: str) -> str:
    """What a Python of its own prints for `code`."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(**variables),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass
class Followed:
    """A run that was followed event by event."""

    session: Session
    events: list[Event]
    completed: RunCompleted

    @property
    def losses(self) -> list[float]:
        """The loss of every step, wherever the blocks ended."""
        return [loss for event in self.events for loss in getattr(event, "losses", ())]

    @property
    def epoch_values(self) -> list[dict[str, float]]:
        """The values of every epoch, without its times."""
        return [dict(vars(event)["values"]) for event in self.events if event.kind == "epoch"]


def begin(
    lecture: str, runs_dir: Path, *listeners: Callable[[Event], None], stop_after: int = 0, **given
) -> Followed:
    """Train `lecture` with what is `given`; stopped after so many steps, if any."""
    allow_named_file(find_lecture(lecture))
    settings = resolve_settings(
        load_lecture(find_lecture(lecture)), {**given, "runs_dir": str(runs_dir), "device": "cpu"}
    )
    control = Control()
    session = start_run(settings, control, lambda progress: None)
    return _follow(session, control, listeners, stop_after)


def take_up(session: Session) -> Followed:
    """Go on with the run of an earlier session."""
    control = Control()
    again = resume_run(session.folder, control, lambda progress: None)
    return _follow(again, control, (), 0)


def _follow(
    session: Session,
    control: Control,
    listeners: Iterable[Callable[[Event], None]],
    stop_after: int,
) -> Followed:
    events: list[Event] = []

    def stop_when_paused(event: Event) -> None:
        if event.kind == "state":
            control.stop()

    if stop_after:
        control.run_steps(stop_after)
    heard = [events.append, stop_when_paused, *listeners]
    completed = session.train(control, heard, DiagnosisListener.of_session)
    return Followed(session, events, completed)


def few_samples(data: Data, train: int = 24, test: int = 10) -> Data:
    """`data` with so few samples that training on them takes no time."""
    return replace(
        data,
        train=data.train.subset(np.arange(min(train, len(data.train)))),
        test=_first(data.test, test),
    )


def _first(split: Split | None, count: int) -> Split | None:
    return split and split.subset(np.arange(min(count, len(split))))


def names() -> Data:
    """A few made-up names in place of lecture 13's, which aren't bundled."""
    split = Split(np.array([[3, 4, 0], [5, 0, 0], [7, 8, 9]]), np.array([0, 1, 0]))
    spec = DataSpec((3,), "multiclass", ("here", "there"), tuple(map(chr, range(128))))
    return Data(spec, split, split, lambda text: split.inputs[0], "a name")
