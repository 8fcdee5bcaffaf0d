"""What can be looked at: a run that trains, the best model of one, or a model before it trains."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.own.names import short_name
from tui_app.monitoring.random_numbers import interruption_as_error, start_probe_thread

if TYPE_CHECKING:
    from tui_app.inspection.probe_context import ProbeContext, Report
    from tui_app.inspection.probe_runner import Snapshot
    from tui_app.runs.run_folder import RunFolder
    from tui_app.runs.settings import RunSettings
    from tui_app.training.control import Control
    from tui_app.views.view import View


class Still:
    """A model that doesn't change, loaded when it is first looked at."""

    def __init__(self, load: Callable[[], ProbeContext]) -> None:
        self._load = load
        self._context: ProbeContext | None = None

    @property
    def note(self) -> str:
        """What the user should know of the source and the data that it was loaded with; empty until
        it was.
        """
        context = self._context
        notes = [context.settings.note, context.data_note] if context is not None else []
        return "\n".join(filter(None, notes))

    def look(self, view: View, ask: str, report: Report) -> Snapshot:
        """Let the view's probe look. Takes its time: for a thread that holds RANDOM_NUMBER_LOCK."""
        from tui_app.inspection.probe_runner import run_probe

        with interruption_as_error():
            if self._context is None:
                self._context = self._load()
            return run_probe(replace(self._context, report=report), view.load_probe(), ask)


@dataclass(frozen=True)
class ModelSource:
    """What the Model pane is to show. Two with the same `key` show the same; a trained model that
    isn't the best of its run is the newest.

    `place` is what stays the same while a run gets better models. With a `control` the run trains
    in this program; what has none is loaded with `load`.
    """

    place: object
    key: object
    title: str
    load: Callable[[], ProbeContext]
    control: Control | None = None
    is_trained: bool = True
    is_best: bool = True


def untrained_model(settings: RunSettings) -> ModelSource:
    """The model and the data that would be trained with these settings."""

    def load() -> ProbeContext:
        from tui_app.inspection.probe_context import context_of_settings

        return context_of_settings(settings)

    title = f"{settings.lecture.title} on {short_name(settings.dataset)}, not trained"
    place = (settings.lecture.path, settings.dataset)
    return ModelSource(place, settings, title, load, is_trained=False)


def model_of_run(
    path: Path, best: int, control: Control | None = None, *, is_training: bool = False
) -> ModelSource:
    """A run as it trains in this program; as it was saved last, while another one trains it; else
    its best model, of epoch `best`.
    """
    from tui_app.runs.run_folder import RunFolder

    folder = RunFolder(path)

    def load() -> ProbeContext:
        from tui_app.inspection.probe_context import context_of_run

        return context_of_run(folder, is_best=saved is None)

    saved = _when_saved(folder) if is_training else None
    key = (path, control is not None, saved or (0 if control else best))
    title = f"{path.parent.name}/{path.name}"
    return ModelSource(path, key, title, load, control, is_best=saved is None)


def _when_saved(folder: RunFolder) -> int | None:
    try:
        return folder.last.lstat().st_mtime_ns
    except OSError:  # it was never, or is being replaced
        return None


def request_traits(sight: ModelSource, control: Control | None) -> Future[Snapshot]:
    """Ask what kind of model it is. One that no run has is loaded for that: while a run trains in
    this program, which has this `control`, by that run.
    """
    from tui_app.inspection.probe_runner import probing, run_probe  # puts off torch
    from tui_app.inspection.probes import load_probe

    if sight.control is not None:
        return sight.control.request(probing(load_probe("traits")))
    answer: Future[Snapshot] = Future()

    def work() -> None:
        if not answer.set_running_or_notify_cancel():
            return
        try:
            with interruption_as_error():
                found = run_probe(sight.load(), load_probe("traits"))
            answer.set_result(found)
        except Exception as error:  # noqa: BLE001  it is raised where it is waited for
            answer.set_exception(error)

    run_exclusively(work, control)
    return answer


def run_exclusively(work: Callable[[], None], control: Control | None) -> None:
    """Let `work` look with nobody else at the random numbers: in the thread of the run that trains
    in this program, which has them, between two of its steps; else in a thread of its own.
    """

    def instead(answer: Future[None]) -> None:
        """The run ended before it had answered, and this is still its thread."""
        if answer.cancelled():
            start_probe_thread(work)

    if control is not None:
        answer = control.request(lambda training: work())
        if not answer.cancelled():
            answer.add_done_callback(instead)
            return
    start_probe_thread(work)
