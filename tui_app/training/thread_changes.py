"""Changes the number of CPU threads of a run between two steps, and yields that it did."""

from __future__ import annotations

from collections.abc import Iterator

from tui_app.runs.events import Event, ThreadsChanged
from tui_app.training.devices.machine_load import LoadMeter
from tui_app.training.devices.thread_watch import ThreadWatch
from tui_app.training.devices.threads import ThreadChange, use_threads
from tui_app.training.state import Training


class ThreadChanges:
    """The changes that the speed of the steps demands, and those that a resumed run repeats."""

    def __init__(self, training: Training, load: LoadMeter | None = None) -> None:
        use_threads(training.threads)
        self._training = training
        choice, watch = training.thread_choice, None
        if not choice.is_fixed:
            watch = ThreadWatch(choice, training.threads, load or LoadMeter())
        self._watch = watch

    @property
    def is_due(self) -> bool:
        """Whether a change is to be repeated before the next step."""
        return self._training.step in self._training.thread_changes

    def repeat(self) -> Iterator[Event]:
        """Make the change that the run made before the next step, before it was resumed."""
        change = self._training.thread_changes.pop(self._training.step, None)
        if change is not None:
            yield from self._make(change)

    def block_closed(self, seconds: float | None) -> Iterator[Event]:
        """Judge a block whose steps took `seconds` each; None if that is unknown."""
        if self._watch is not None and seconds is not None:
            yield from self._make(self._watch.block_closed(seconds))

    def epoch_ended(self) -> Iterator[Event]:
        """Go back to more threads if that is due and the run goes on."""
        if self._watch is not None and self._training.epoch < self._training.epochs:
            yield from self._make(self._watch.epoch_ended())

    def _make(self, change: ThreadChange | None) -> Iterator[Event]:
        training = self._training
        if change is None or change.count == training.threads:
            return
        training.threads, training.threads_reason = change.count, change.reason
        use_threads(change.count)
        if self._watch is not None:
            self._watch.changed(change.count)
        yield ThreadsChanged(
            run=training.run,
            first_step=training.step + 1,
            threads=change.count,
            reason=change.reason,
        )
