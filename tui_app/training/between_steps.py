"""Does what is due between two steps of a run: requests, changes, saves, the time limit."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from tui_app.runs.events import ControlApplied, Event, StateChanged
from tui_app.training.devices.device import make_current
from tui_app.training.divergence import check_weights
from tui_app.training.loss_buffer import LossBuffer
from tui_app.training.outcome import EndTraining, outcome_of_stop
from tui_app.training.run_clock import RunClock
from tui_app.training.saver import Saver
from tui_app.training.seeding import undisturbed
from tui_app.training.state import Training
from tui_app.training.steering.control import Control, Request
from tui_app.training.thread_changes import ThreadChanges


def between_steps(
    training: Training,
    saver: Saver,
    control: Control,
    threads: ThreadChanges,
    clock: RunClock,
    losses: LossBuffer,
) -> BetweenSteps:
    """What the loop does between two steps of the run, alone or with other ranks."""
    kind = BetweenSteps if training.ranks.count == 1 else BetweenSharedSteps
    return kind(training, saver, control, threads, clock, losses)


class BetweenSteps:
    """What the loop does between two steps; it closes the block of losses before that."""

    def __init__(
        self,
        training: Training,
        saver: Saver,
        control: Control,
        threads: ThreadChanges,
        clock: RunClock,
        losses: LossBuffer,
    ) -> None:
        self._training = training
        self._saver = saver
        self._control = control
        self._threads = threads
        self._clock = clock
        self._losses = losses

    @property
    def is_due(self) -> bool:
        """Whether something was requested, or a change is to be repeated, before the next step."""
        return self._control.attention or self._is_change_due

    @property
    def _is_change_due(self) -> bool:
        """Whether a change of the lr or the threads is to be repeated before the next step."""
        return self._training.step in self._training.lr_changes or self._threads.is_due

    def handle_requests(self) -> Iterator[Event]:
        """Do what was requested: save, run callables, stop, change the lr, pause."""
        training, control, agree = self._training, self._control, self._training.ranks.agree
        was_paused = False
        while True:
            if agree(control.pop_save):
                self._saver.request()
            yield from self._save()
            for request in control.pop_requests():  # of rank 0 alone: the others wait for it
                self._run_request(request)
            if stop := agree(lambda: control.stop_request):
                raise EndTraining(outcome_of_stop(stop))
            # After any save, so that a checkpoint holds the changes of exactly the steps before it.
            yield from self._change_lr()
            yield from self._threads.repeat()
            ends_epoch = training.epoch_progress.steps + 1 == len(training.batches)
            if agree(partial(control.may_step, ends_epoch=ends_epoch)):
                break
            was_paused = True
            yield StateChanged(run=training.run, state="paused", step=training.step)
            control.wait(1.0)
        if was_paused:
            yield StateChanged(run=training.run, state="running", step=training.step)

    def _run_request(self, request: Request[Any]) -> None:
        try:
            with undisturbed(self._training.model):
                request.run(self._training)
        finally:  # it may have loaded a model of another GPU
            make_current(self._training.device.name)

    def _change_lr(self) -> Iterator[Event]:
        """Set the lr that was requested now, or at this step before the run was resumed."""
        training = self._training
        repeated = training.lr_changes.pop(training.step, None)
        lr = training.ranks.agree(self._control.pop_lr) or repeated
        if lr is not None:
            training.lr = lr
            training.apply_lr()
            yield ControlApplied(run=training.run, first_step=training.step + 1, lr=lr)

    def save_if_due(self) -> Iterator[Event]:
        """Save if that is due; raise EndTraining if the run's time is up."""
        self._clock.update_seconds()
        yield from self._save()
        self._clock.check_limit()

    def _save(self) -> Iterator[Event]:
        if self._saver.is_due:
            check_weights(self._training)  # so that there always is a checkpoint to go back to
        yield from self._saver.save_if_due()


class BetweenSharedSteps(BetweenSteps):
    """The same on a rank of several, which must all do the same before the same step.

    What the user or a clock decides, rank 0 decides when a block of steps begins, with the number
    of steps in the block: blocks by the clock of each rank would wait for each other for ever.
    """

    @property
    def is_due(self) -> bool:
        """Whether a block begins, or a change is to be repeated, before the next step."""
        return self._losses.is_empty or self._is_change_due

    def handle_requests(self) -> Iterator[Event]:
        """Do what was requested of rank 0, and begin a block of as many steps as it says."""
        control, agree = self._control, self._training.ranks.agree
        if agree(lambda: control.attention) or self._is_change_due:
            yield from super().handle_requests()
        self._losses.begin(agree(lambda: 1 if control.attention else self._losses.room))
