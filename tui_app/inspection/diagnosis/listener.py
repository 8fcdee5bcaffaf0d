"""Diagnoses a run at intervals while it trains, and advises on each fault once."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

from models.user_files.error_hints import explain_in_one_line
from tui_app.inspection.diagnosis import diagnose
from tui_app.inspection.diagnosis.changed_setting import lecture_defaults
from tui_app.inspection.diagnosis.model_observations import observe_data, observe_model
from tui_app.inspection.diagnosis.observations import (
    Advice,
    DataObservations,
    ModelObservations,
    RunObservations,
)
from tui_app.inspection.diagnosis.recorded_observations import RecordedObservations
from tui_app.inspection.probe_context import context_of_training
from tui_app.inspection.probe_runner import run_probe
from tui_app.runs.events import (
    Advised,
    EpochCompleted,
    Event,
    RunCompleted,
    StepsCompleted,
    Warned,
)
from tui_app.runs.metrics.metrics_codec import Record
from tui_app.runs.metrics.packed_epochs import PackedEpochs
from tui_app.runs.run_record import RunRecord
from tui_app.training.session import Session
from tui_app.training.state import Training
from tui_app.training.steering.control import Control
from tui_app.training.throttle import Throttle

#: The share of a run's time that diagnosing may cost, and the least seconds between two diagnoses.
_SHARE, _SECONDS = 0.02, 0.5

#: Faults that end a run. Any other fault must be found twice in a row before it gives advice.
_FATAL = ("divergence", "not a number")


class DiagnosisListener:
    """Handles a run's events in the training thread, between two steps. `past` holds what earlier
    sessions of the run recorded.
    """

    def __init__(self, training: Training, record: RunRecord, past: RecordedObservations) -> None:
        self._training, self._record = training, record
        self._recorded = past
        self._found: set[str] = set()
        self._data: DataObservations | None = None
        self._model = ModelObservations()
        self._is_readable = True
        self._throttle = Throttle(_SHARE, _SECONDS)
        self._throttle.start_pause(0.0)

    @classmethod
    def of_session(cls, session: Session, control: Control) -> DiagnosisListener:
        """The diagnosis of a session, for `Session.train`; it reads what earlier ones recorded."""
        past = RecordedObservations()
        if session.training.step:
            past = RecordedObservations.read(session.folder, control.must_stop, session.note)
        return cls(session.training, session.record, past)

    def __call__(self, event: Record) -> Iterable[Event]:
        """Record the event; return what to publish after it: advice, and once a warning."""
        match event:
            case PackedEpochs():  # the model isn't that of their end, but an epoch follows soon
                self._recorded.add(event)
            case StepsCompleted():
                self._recorded.losses.extend(event.losses)
            case EpochCompleted():
                self._recorded.add_epoch(event.values)
                if self._throttle.is_due:
                    return self._at_epoch(event)
            case RunCompleted():
                return self._at_end(event)
        return ()

    def _at_epoch(self, event: EpochCompleted) -> list[Event]:
        """Probe the model and diagnose; set the next time so that this stays within its share."""
        begun = time.monotonic()
        warnings = self._observe(event)
        found = diagnose(self._observations(), self._model)
        self._throttle.start_pause(time.monotonic() - begun)
        return [*warnings, *self._new_advice(event, found, once_is_enough=False)]

    def _at_end(self, event: RunCompleted) -> list[Event]:
        if event.state == "failed":
            found = [a for a in diagnose(self._observations()) if a.name in _FATAL]
            return [*self._new_advice(event, found, once_is_enough=True)]
        if event.state != "completed":
            return []
        warnings = self._observe(event) if self._data is None else []  # no epoch was due before
        found = diagnose(self._observations(), self._model)
        return [*warnings, *self._new_advice(event, found, once_is_enough=True)]

    def _observe(self, event: EpochCompleted | RunCompleted) -> list[Warned]:
        """Probe the model, unless that failed before, and the data once; a warning if it fails."""
        if not self._is_readable:
            return []
        context, warnings = context_of_training(self._training), []
        try:
            self._model = run_probe(context, observe_model).found
        except Exception as error:  # noqa: BLE001  a user's model may raise anything
            self._model, self._is_readable = ModelObservations(), False
            text = (
                "the diagnosis can't read this model and uses losses and data alone: "
                f"{explain_in_one_line(error)}"
            )
            warnings = [Warned(run=event.run, epoch=event.epoch, step=event.step, text=text)]
        if self._data is None:
            self._data = observe_data(context)
        return warnings

    def _observations(self) -> RunObservations:
        training = self._training
        return replace(
            self._recorded.observations(self._record, training.lr, training.epochs),
            defaults=lecture_defaults(training.settings),
            data=self._data or DataObservations(),
        )

    def _new_advice(
        self, event: EpochCompleted | RunCompleted, found: list[Advice], *, once_is_enough: bool
    ) -> list[Advised]:
        """The advice that wasn't given yet and was found last time too, or need not be."""
        before, self._found = self._found, {advice.name for advice in found}
        new = [
            advice
            for advice in found
            if advice.name not in self._recorded.advised
            and (once_is_enough or advice.name in before)
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
