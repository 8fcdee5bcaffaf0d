"""Drives the app in tests through its keys and screen, and provides a run of recorded events."""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

from textual.pilot import Pilot
from textual.widget import Widget

from models import find_lecture
from models.user_files.trust import allow_named_file
from tests.program import LONGEST
from tui_app.app.app import TutorchApp
from tui_app.app.form.settings_draft import SettingsDraft
from tui_app.app.widgets.settings_form import SettingsForm
from tui_app.monitoring.local_run import LocalRun
from tui_app.monitoring.run_queue import RunQueue
from tui_app.runs.events import (
    BestImproved,
    ControlApplied,
    EpochCompleted,
    Event,
    RunStarted,
    StateChanged,
    StepsCompleted,
    Warned,
)
from tui_app.runs.run_folder import RunFolder
from tui_app.training.steering.control import Control


class Sitting:
    """A person before the app."""

    def __init__(self, app: TutorchApp, pilot: Pilot[Any]) -> None:
        self.app = app
        self.pilot = pilot
        self.said: list[str] = []  # what was told in toasts, which go after a few seconds
        notify = app.notify

        def hear(message: str, **options: Any) -> None:
            self.said.append(message)
            notify(message, **options)

        app.notify = hear

    async def until(self, condition: Callable[[], object], seconds: float = LONGEST) -> None:
        """Wait for something to be so. Rendering the screen to look is dear: not too often."""
        end, pause = time.monotonic() + seconds, 0.02
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"not so after {seconds} s:\n{self.text}")
            await asyncio.sleep(pause)
            pause = min(0.2, pause * 1.3)

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Type a text."""
        names = {
            " ": "space",
            ".": "full_stop",
            ",": "comma",
            "=": "equals_sign",
            "_": "underscore",
        }
        await self.press(*(names.get(char, char) for char in text))

    def find(self, kind: type[Any], selector: str = "*") -> Any:
        """The one widget of a kind, on the screen that is shown."""
        return self.app.screen.query(selector).filter(f"{kind.__name__}").only_one(kind)

    @property
    def text(self) -> str:
        """What stands on the screen."""
        width = self.app.size.width
        lines = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in line)[:width] for line in lines)

    @property
    def sentence(self) -> str:
        """What stands on the screen as one line: a sentence may be broken anywhere."""
        return " ".join(self.text.replace("│", " ").split())

    @property
    def queue(self) -> RunQueue:
        """The runs that were started last."""
        assert self.app.queue is not None
        return self.app.queue

    @property
    def history(self) -> Any:
        """That of the run that trains, or trained last."""
        assert self.app.queue is not None
        return self.app.queue.current.history

    @property
    def folder(self) -> Path:
        """That of the run that trains, or trained last."""
        assert self.app.queue is not None
        assert self.app.queue.current.folder is not None
        return self.app.queue.current.folder

    @property
    def is_ready(self) -> bool:
        """Whether the settings of the first lecture are there."""
        return bool(self.app.main.query(SettingsForm)) and self.form.draft is not None

    @property
    def form(self) -> SettingsForm:
        """The form."""
        return self.app.main.query_one(SettingsForm)

    @property
    def draft(self) -> SettingsDraft:
        """What the form edits."""
        assert self.form.draft is not None
        return self.form.draft

    async def trained(self) -> None:
        """Wait until all that was started is over."""
        await self.until(lambda: self.app.queue is not None and self.app.queue.is_over)

    def focused(self) -> Widget | None:
        """What has the focus."""
        return self.app.focused


@asynccontextmanager
async def sitting(
    lecture: str = "02",
    size: tuple[int, int] = (120, 36),
    notices: bool = False,
    **given: Any,
) -> AsyncIterator[Sitting]:
    """The app with a lecture picked and its settings there; notices are shown if asked for."""
    allow_named_file(find_lecture(lecture))
    app = TutorchApp(find_lecture(lecture), {"runs_dir": "runs", **given})
    # A Pilot waits until the app idles: its own thread, that is, and not the one that trains.
    idling = patch("textual._wait.process_time", time.thread_time)
    # A one-parameter model hardly ever lets go of the interpreter; a test asks for it all the time.
    sys.setswitchinterval(0.0005)
    with idling:
        async with app.run_test(size=size, notifications=notices) as pilot:
            person = Sitting(app, pilot)
            await person.until(lambda: person.is_ready)
            try:
                yield person
            finally:
                if app.queue is not None and app.queue.is_alive:
                    app.queue.stop("the test is over")
                    assert app.queue.current.join(LONGEST)


def in_app(
    lecture: str = "02", size: tuple[int, int] = (120, 36), **given: Any
) -> Callable[[Callable[..., Coroutine[Any, Any, None]]], Callable[..., None]]:
    """Decorates a test that is a coroutine of a Sitting."""

    def decorate(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
        async def sit(**fixtures: Any) -> None:
            async with sitting(lecture, size, **given) as person:
                await test(person, **fixtures)

        @wraps(test)
        def run(**fixtures: Any) -> None:
            asyncio.run(sit(**fixtures))

        # pytest asks the signature for fixtures: it must not see the Sitting.
        import inspect

        parameters = list(inspect.signature(test).parameters.values())[1:]
        vars(run)["__signature__"] = inspect.Signature(parameters)
        return run

    return decorate


# A run of recorded events


def recorded_folder(runs: Path) -> RunFolder:
    """A run folder with a run.json, as one of lecture 9 has it."""
    folder = RunFolder(runs / "lecture_09_softmax_classifier" / "20260131-120000-abcd")
    folder.path.mkdir(parents=True)
    record = {
        "schema_version": 1,
        "lecture": "lecture_09_softmax_classifier",
        "lecture_file": str(find_lecture("softmax")),
        "dataset": "digits",
        "hyperparameters": {"epochs": 20, "lr": 0.1, "optimizer": "sgd", "batch_size": 64},
        "options": {},
        "device": "cpu",
        "threads": 1,
        "parameters": 575050,
        "steps_per_epoch": 23,
        "metric": "test_accuracy",
        "chosen_on": "test",
        "reduction": "mean",
        "train_size": 1438,
        "base_rates": {"accuracy": 0.1003, "loss": 2.3025},
        "created": 1769860800.0,
    }
    folder.run_json.write_text(json.dumps(record), encoding="utf-8")
    return folder


def recorded_events(run: str, epochs: int = 12) -> Iterator[Event]:
    """What training would have said: losses that fall, noisily but always the same."""
    yield RunStarted(
        run=run,
        lecture="lecture_09_softmax_classifier",
        dataset="digits",
        device="cpu",
        threads=1,
        parameters=575050,
        epoch=0,
        step=0,
        epochs=20,
        steps_per_epoch=23,
        train_size=1438,
        test_size=359,
        validation_size=0,
        reduction="mean",
        metric="test_accuracy",
        highest=True,
    )
    best = 0.0
    for epoch in range(1, epochs + 1):
        first = (epoch - 1) * 23 + 1
        losses = tuple(_loss(step) for step in range(first, first + 23))
        yield StepsCompleted(run=run, epoch=epoch, first_step=first, lr=0.1, losses=losses)
        test = 2.3 * math.exp(-epoch / 3) + 0.1 + 0.004 * epoch
        accuracy = 0.98 - 0.9 * math.exp(-epoch / 1.6) - 0.01 * (epoch % 3)
        values = {
            "train_loss": sum(losses) / 23,
            "test_loss": test,
            "test_accuracy": accuracy,
        }
        yield EpochCompleted(
            run=run,
            epoch=epoch,
            step=epoch * 23,
            lr=0.1,
            seconds=0.25,
            samples_per_second=5752.0,
            values=values,
        )
        if accuracy > best:
            best = accuracy
            yield BestImproved(
                run=run, epoch=epoch, step=epoch * 23, metric="test_accuracy", value=accuracy
            )
        if epoch == 6:
            yield ControlApplied(run=run, first_step=epoch * 23 + 1, lr=0.05)
            yield Warned(run=run, epoch=epoch, step=epoch * 23, text="[bold]not markup[/bold]")
    yield StateChanged(run=run, state="paused", step=epochs * 23)


def _loss(step: int) -> float:
    noise = 0.5 + 0.5 * math.sin(step * 12.9898) * math.cos(step * 78.233)
    return 2.3 * math.exp(-step / 70) * (0.7 + 0.6 * noise) + 0.02 * noise


class RecordedSession:
    """Stands in for a session: says what was recorded, then waits until it is stopped."""

    def __init__(self, folder: RunFolder, control: Control, epochs: int) -> None:
        self.folder = folder
        self._control = control
        self._epochs = epochs

    def train(self, control: Control, listeners: Any, start_adviser: Any) -> None:
        """Say everything, then wait."""
        for event in recorded_events(self.folder.name, self._epochs):
            for listener in listeners:
                listener(event)
        control.pause()
        while control.stop_request is None:
            control.wait(0.1)


def recorded_run(runs: Path, epochs: int = 12) -> LocalRun:
    """A run that is watched like any other."""
    folder = recorded_folder(runs)

    def make(control: Control, on_progress: Any) -> Any:
        return RecordedSession(folder, control, epochs)

    return LocalRun("recorded", make)
