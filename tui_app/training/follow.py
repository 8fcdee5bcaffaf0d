"""Prepares and trains a rank that records and publishes nothing: rank 0 does."""

from __future__ import annotations

from collections import deque
from typing import Any

from tui_app.runs.events import RunCompleted
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_record import RunRecord
from tui_app.runs.run_source import SourceChoice
from tui_app.runs.settings.recorded_settings import settings_to_resume
from tui_app.runs.settings.run_settings import RunSettings
from tui_app.training.loop import train
from tui_app.training.prepare import prepare
from tui_app.training.ranks.ranks import Ranks
from tui_app.training.resume import change_settings, prepare_again
from tui_app.training.resumed_state import ResumedState
from tui_app.training.start import share_folder
from tui_app.training.state import Training
from tui_app.training.steering.control import Control


def follow(training: Training, control: Control) -> RunCompleted:
    """Train to the end, as rank 0 decides it; the last event says how it ended for this rank.

    Raises what a step of the lecture raises, after the other ranks were told.
    """
    (last,) = deque(train(training, control), maxlen=1)
    assert isinstance(last, RunCompleted)
    return last


def follow_new_run(settings: RunSettings, control: Control, ranks: Ranks) -> Training:
    """Prepare this rank, another than rank 0, for a new run. Raises what `prepare` does."""
    training = prepare(settings, stopped=control.must_stop, ranks=ranks)
    training.run_folder = share_folder(ranks, None)
    return training


def follow_resumed_run(
    folder: RunFolder,
    control: Control,
    ranks: Ranks,
    *,
    epochs: int | None = None,
    source: SourceChoice | None = None,
    record: RunRecord | None = None,
    **options: Any,
) -> Training:
    """Prepare this rank, another than rank 0, for a run that rank 0 resumes with the same
    arguments. Raises what `resume_run` does.
    """
    record = record or folder.read_record()
    settings = settings_to_resume(folder, record, source)
    settings = change_settings(settings, record, epochs, options)
    training = prepare_again(settings, folder, record, control, lambda progress: None, ranks)
    training.run_folder = folder
    resumed: ResumedState | None = ranks.agree(lambda: None)
    assert resumed is not None  # rank 0 decides
    resumed.load_into(training)
    return training
