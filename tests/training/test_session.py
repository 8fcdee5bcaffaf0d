"""A session publishes the advice of the function passed in, and ends cleanly if that fails."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.training.test_resume import settings
from tui_app.runs.errors import TrainingFailed
from tui_app.runs.events import Advised, EpochCompleted, Event, RunCompleted
from tui_app.runs.metrics.metrics_codec import Record
from tui_app.runs.metrics.metrics_file import read_events
from tui_app.training.session import Adviser, Session
from tui_app.training.start import start_run
from tui_app.training.steering.control import Control


def advise_at_epochs(event: Record) -> Iterable[Event]:
    if isinstance(event, EpochCompleted):
        yield Advised(
            run=event.run, epoch=event.epoch, step=event.step, name="slow", text="raise the lr"
        )


def test_advice_follows_its_event_in_the_metrics_and_at_the_listeners(tmp_path: Path):
    session = start_run(settings(tmp_path, "05", epochs=2), Control(), lambda progress: None)
    events: list[Event] = []
    session.train(Control(), [events.append], lambda session, control: advise_at_epochs)
    kinds = [event.kind for event in events if isinstance(event, EpochCompleted | Advised)]
    assert kinds == ["epoch", "advice"] * 2
    recorded = read_events(session.folder.metrics, Advised)
    assert [event.text for event in recorded] == ["raise the lr"] * 2


def test_an_adviser_that_fails_to_start_fails_the_run_and_unlocks_its_folder(tmp_path: Path):
    def fail(session: Session, control: Control) -> Adviser:
        raise ValueError("no advice")

    session = start_run(settings(tmp_path, "05", epochs=2), Control(), lambda progress: None)
    events: list[Event] = []
    with pytest.raises(TrainingFailed, match="no advice"):
        session.train(Control(), [events.append], fail)
    assert isinstance(events[-1], RunCompleted)
    assert events[-1].state == "failed"
    session.folder.lock().release()
