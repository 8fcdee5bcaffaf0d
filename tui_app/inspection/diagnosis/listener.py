"""Looks now and then at a run that trains, and says what goes wrong with it, each thing once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tui_app.inspection.diagnosis import diagnose
from tui_app.inspection.diagnosis.changed_setting import lecture_defaults
from tui_app.inspection.diagnosis.observations import Advice, Course, Look
from tui_app.inspection.diagnosis.recorded_observations import Recorded, look_at, with_data
from tui_app.inspection.probe_context import context_of_training
from tui_app.inspection.probe_runner import run_probe
from tui_app.runs.events import Advised, EpochCompleted, Event, RunCompleted, StepsCompleted
from tui_app.runs.run_folder import RunFolder
from tui_app.training.control import Control
from tui_app.training.session import Session
from tui_app.training.state import Training

#: The share of a run's time that may be spent on it, and the seconds between two looks at least.
_SHARE, _SECONDS = 0.02, 0.5

#: What has ended a run is told at once; of the rest, only what is found twice in succession.
_AT_ONCE = ("divergence", "not a number")


class Watch:
    """Hears a run's events in the thread that trains it, between two steps. `past` is what earlier
    sessions of the run recorded.
    """

    def __init__(
        self, training: Training, folder: RunFolder, record: Mapping[str, Any], past: Recorded
    ) -> None:
        self._training, self._folder, self._record = training, folder, record
        self._recorded = past
        self._found: set[str] = set()
        self._about_data: Course | None = None
        self._look = Look()
        self._can_look = True
        self._next = time.monotonic() + _SECONDS

    @classmethod
    def of(cls, session: Session, control: Control) -> Watch:
        """The diagnosis of a session, for `Session.train`; it reads what earlier ones recorded."""
        past = Recorded()
        if session.training.step:
            past = Recorded.of(session.folder, control.must_stop, session.note)
        return cls(session.training, session.folder, session.record, past)

    def __call__(self, event: Event) -> Iterable[Advised]:
        """Take an event in; what is to be said after it."""
        if isinstance(event, StepsCompleted):
            self._recorded.losses.extend(event.losses)
        elif isinstance(event, EpochCompleted):
            self._recorded.take_values(event.values)
            if time.monotonic() >= self._next:
                return self._tell(event, self._examine(), again=False)
        elif isinstance(event, RunCompleted):
            return self._at_end(event)
        return ()

    def _at_end(self, event: RunCompleted) -> Iterable[Advised]:
        if event.state == "failed":
            grave = [a for a in diagnose(self._course(), Look()) if a.name in _AT_ONCE]
            return self._tell(event, grave, again=True)
        if event.state == "completed":
            if self._about_data is None and self._can_look:  # it was over before it was looked at
                self._take_a_look()
            return self._tell(event, diagnose(self._course(), self._look), again=True)
        return ()

    def _examine(self) -> list[Advice]:
        """Look at the model, then at everything; and see to it that this is not done too often."""
        begun = time.monotonic()
        if self._can_look:
            self._take_a_look()
        found = diagnose(self._course(), self._look)
        now = time.monotonic()
        self._next = now + max(_SECONDS, (now - begun) / _SHARE)
        return found

    def _take_a_look(self) -> None:
        context = context_of_training(self._training)
        try:
            self._look = run_probe(context, lambda context, query: look_at(context)).found
        except Exception:  # noqa: BLE001  a model of somebody's own may be none that probes know
            self._look, self._can_look = Look(), False
        if self._about_data is None:
            self._about_data = with_data(Course(0.0, ()), context)

    def _course(self) -> Course:
        training, about = self._training, self._about_data
        course = self._recorded.course(self._record, training.lr, training.epochs)
        course = replace(course, usual=lecture_defaults(training.settings))
        if about is None:
            return course
        return replace(course, class_shares=about.class_shares, fingerprints=about.fingerprints)

    def _tell(
        self, event: EpochCompleted | RunCompleted, found: list[Advice], *, again: bool
    ) -> list[Advised]:
        """What was not told yet, and is found again, or need not be (`again`)."""
        before, self._found = self._found, {advice.name for advice in found}
        new = [
            advice
            for advice in found
            if advice.name not in self._recorded.advised and (again or advice.name in before)
        ]
        self._recorded.advised |= {advice.name for advice in new}
        return [
            Advised(
                run=event.run,
                epoch=event.epoch,
                step=event.step,
                name=advice.name,
                text=advice.sentence,
                settings=dict(advice.settings),
            )
            for advice in new
        ]
