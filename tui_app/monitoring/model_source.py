"""Provides the models that the app can inspect: in training, saved, or untrained."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.own.names import short_name
from tui_app.inspection.probes import load_probe
from tui_app.monitoring.random_numbers import interruption_as_error, start_probe_thread
from tui_app.runs.run_folder import RunFolder

if TYPE_CHECKING:
    from tui_app.inspection.probe_context import ProbeContext, Report
    from tui_app.inspection.probe_runner import Snapshot
    from tui_app.runs.settings.run_settings import RunSettings
    from tui_app.training.steering.control import Control
    from tui_app.views.view import View


class LoadedModel:
    """A model that doesn't train, loaded by its first probe."""

    def __init__(self, load: Callable[[], ProbeContext]) -> None:
        self._load = load
        self._context: ProbeContext | None = None

    @property
    def note(self) -> str:
        """What the user should know of the model's source and data; empty until it is loaded."""
        context = self._context
        notes = [context.settings.note, context.data_note] if context is not None else []
        return "\n".join(filter(None, notes))

    def run_probe(self, view: View, query: str, report: Report) -> Snapshot:
        """Run the view's probe. Slow; the thread must hold RANDOM_NUMBER_LOCK."""
        from tui_app.inspection.probe_runner import run_probe

        with interruption_as_error():
            if self._context is None:
                self._context = self._load()
            return run_probe(replace(self._context, report=report), view.load_probe(), query)


@dataclass(frozen=True)
class ModelSource:
    """A model that the Model pane can show. Two with the same `key` are the same model.

    `place` stays the same while a run gets better models. With a `control` the run trains in this
    program; without one the model is loaded with `load`. A trained model is the best of its run,
    or else the newest.
    """

    place: object
    key: object
    title: str
    load: Callable[[], ProbeContext]
    control: Control | None = None
    is_trained: bool = True
    is_best: bool = True


def untrained_model(settings: RunSettings) -> ModelSource:
    """Return the model that would be trained with these settings, and its data."""

    def load() -> ProbeContext:
        from tui_app.inspection.probe_context import context_of_settings

        return context_of_settings(settings)

    title = f"{settings.lecture.title} on {short_name(settings.dataset)}, not trained"
    place = (settings.lecture.path, settings.dataset)
    return ModelSource(place, settings, title, load, is_trained=False)


def model_of_run(
    path: Path, best: int, control: Control | None = None, *, is_training: bool = False
) -> ModelSource:
    """Return the model of a run: as it trains in this program, as last.pt has it while another
    program trains it, or else the best one, of epoch `best`.
    """
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
    except OSError:  # never saved yet, or being replaced
        return None


def request_traits(source: ModelSource, control: Control | None) -> Future[Snapshot]:
    """Request what kind of model it is. `control` is of the run that trains in this program: it
    loads a model that isn't its own between two steps.
    """
    from tui_app.inspection.probe_runner import probing, run_probe  # puts off torch

    if source.control is not None:
        return source.control.request(probing(load_probe("traits")))
    result: Future[Snapshot] = Future()

    def work() -> None:
        if not result.set_running_or_notify_cancel():
            return
        try:
            with interruption_as_error():
                found = run_probe(source.load(), load_probe("traits"))
            result.set_result(found)
        except Exception as error:  # noqa: BLE001  raised where the result is read
            result.set_exception(error)

    run_exclusively(work, control)
    return result


def run_exclusively(work: Callable[[], None], control: Control | None) -> None:
    """Run `work` while no other thread draws random numbers: between two steps of the run that
    trains in this program, which holds their lock, or else in a thread of its own.
    """

    def start_if_cancelled(result: Future[None]) -> None:
        # The run ended before it got to the work; this is still its thread.
        if result.cancelled():
            start_probe_thread(work)

    if control is not None:
        result = control.request(lambda training: work())
        if not result.cancelled():
            result.add_done_callback(start_if_cancelled)
            return
    start_probe_thread(work)
