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
            # Also if the checkpoint has its number already: the record of it was cut off.
            yield from self._make(change)

    def time_steps(self, steps: int, seconds: float) -> None:
        """Remember that so many steps took `seconds` in all, to be judged later."""
        if self._watch is not None and steps:
            self._watch.time_steps(steps, seconds)

    def block_closed(self) -> Iterator[Event]:
        """Make the change that the times of the steps demand, if any."""
        if self._watch is not None:
            yield from self._change(self._watch.judge())

    def epoch_ended(self) -> Iterator[Event]:
        """The same, or go back to more threads if that is due, if the run goes on."""
        if self._watch is not None and self._training.epoch < self._training.epochs:
            yield from self._change(self._watch.epoch_ended())

    def _change(self, change: ThreadChange | None) -> Iterator[Event]:
        if change is not None and change.count != self._training.threads:
            yield from self._make(change)

    def _make(self, change: ThreadChange) -> Iterator[Event]:
        training = self._training
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
