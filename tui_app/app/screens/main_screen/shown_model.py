"""Decides which model the Model pane of the main screen shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.fields import InvalidValue
from tui_app.monitoring.model_source import ModelSource, model_of_run, untrained_model
from tui_app.monitoring.run_queue import RunQueue

if TYPE_CHECKING:
    from tui_app.app.form.settings_draft import SettingsDraft
    from tui_app.monitoring.queued_run import QueuedRun


def shown_model(
    queue: RunQueue | None, draft: SettingsDraft | None, problem: str = ""
) -> tuple[ModelSource | None, str]:
    """Return the model of the run that trains; else of the last one, while the form has its lecture
    and data; else the untrained model of the form's settings. Or None and the reason.
    """
    run = queue.current if queue is not None else None
    if run is not None and run.folder is not None and (run.is_alive or _is_of(run, draft)):
        best = run.history.best.epoch if run.history.best else 0
        is_training = run.is_alive and not run.history.is_over
        control = run.loop_control if is_training else None
        is_elsewhere = is_training and control is None
        return model_of_run(run.folder, best, control, is_training=is_elsewhere), ""
    if run is not None and run.is_alive:
        return None, "The run is being prepared."
    if draft is None:
        return None, problem or "The lecture is being loaded."
    try:
        return untrained_model(draft.runs()[0]), ""
    except InvalidValue as error:
        return None, f"The settings can't be trained: {error}"


def _is_of(run: QueuedRun, draft: SettingsDraft | None) -> bool:
    facts = run.history.info
    if draft is None or facts is None:
        return draft is None
    lecture = draft.lecture
    file = "" if lecture.source is None else str(lecture.source.path)
    return (facts.lecture, facts.file, facts.dataset) == (lecture.name, file, draft.dataset)
