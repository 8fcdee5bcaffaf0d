"""What can be looked at: a run that trains, the best model of one, or a model before it trains."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.own.names import short_name
from tui_app.monitoring.random_numbers import given_up_as_error, in_looking_thread

if TYPE_CHECKING:
    from tui_app.inspection.probe_runner import Report, Snapshot, Subject
    from tui_app.runs.run_folder import RunFolder
    from tui_app.runs.settings import RunSettings
    from tui_app.training.control import Control
    from tui_app.views.view import View


class Still:
    """A model that doesn't change, loaded when it is first looked at."""

    def __init__(self, load: Callable[[], Subject]) -> None:
        self._load = load
        self._subject: Subject | None = None

    @property
    def note(self) -> str:
        """What the user should know of the source and the data that it was loaded with; empty until
        it was.
        """
        subject = self._subject
        notes = [subject.settings.note, subject.data_note] if subject is not None else []
        return "\n".join(filter(None, notes))

    def look(self, view: View, ask: str, report: Report) -> Snapshot:
        """Let the view's probe look. Takes its time: for a thread that holds RANDOM_NUMBERS."""
        from tui_app.inspection.probe_runner import take

        with given_up_as_error():
            if self._subject is None:
                self._subject = self._load()
            return take(replace(self._subject, report=report), view.load_probe(), ask)


@dataclass(frozen=True)
class Sight:
    """What the Model pane is to show. Two with the same `key` show the same; a trained model that
    isn't the best of its run is the newest.

    `place` is what stays the same while a run gets better models. With a `control` the run trains
    in this program; what has none is loaded with `load`.
    """

    place: object
    key: object
    title: str
    load: Callable[[], Subject]
    control: Control | None = None
    is_trained: bool = True
    is_best: bool = True


def before_training(settings: RunSettings) -> Sight:
    """The model and the data that would be trained with these settings."""

    def load() -> Subject:
        from tui_app.inspection.probe_context import subject_of_settings

        return subject_of_settings(settings)

    title = f"{settings.lecture.title} on {short_name(settings.dataset)}, not trained"
    place = (settings.lecture.path, settings.dataset)
    return Sight(place, settings, title, load, is_trained=False)


def of_run(
    path: Path, best: int, control: Control | None = None, *, is_training: bool = False
) -> Sight:
    """A run as it trains in this program; as it was saved last, while another one trains it; else
    its best model, of epoch `best`.
    """
    from tui_app.runs.run_folder import RunFolder

    folder = RunFolder(path)

    def load() -> Subject:
        from tui_app.inspection.probe_context import subject_of_folder

        return subject_of_folder(folder, is_best=saved is None)

    saved = _when_saved(folder) if is_training else None
    key = (path, control is not None, saved or (0 if control else best))
    title = f"{path.parent.name}/{path.name}"
    return Sight(path, key, title, load, control, is_best=saved is None)


def _when_saved(folder: RunFolder) -> int | None:
    try:
        return folder.last.lstat().st_mtime_ns
    except OSError:  # it was never, or is being replaced
        return None


def request_traits(sight: Sight, control: Control | None) -> Future[Snapshot]:
    """Ask what kind of model it is. One that no run has is loaded for that: while a run trains in
    this program, which has this `control`, by that run.
    """
    from tui_app.inspection.probe_runner import take
    from tui_app.inspection.probes import load_probe

    if sight.control is not None:
        return sight.control.request_snapshot(load_probe("traits"))
    answer: Future[Snapshot] = Future()

    def work() -> None:
        if not answer.set_running_or_notify_cancel():
            return
        try:
            with given_up_as_error():
                found = take(sight.load(), load_probe("traits"))
            answer.set_result(found)
        except Exception as error:  # noqa: BLE001  it is raised where it is waited for
            answer.set_exception(error)

    look_alone(work, control)
    return answer


def look_alone(work: Callable[[], None], control: Control | None) -> None:
    """Let `work` look with nobody else at the random numbers: in the thread of the run that trains
    in this program, which has them, between two of its steps; else in a thread of its own.
    """

    def instead(answer: Future[Snapshot]) -> None:
        """The run ended before it had answered, and this is still its thread."""
        if answer.cancelled():
            in_looking_thread(work)

    if control is not None:
        answer = control.request_snapshot(lambda subject, ask: work())
        if not answer.cancelled():
            answer.add_done_callback(instead)
            return
    in_looking_thread(work)
