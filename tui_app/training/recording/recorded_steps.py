"""Runs the steps of a run as replays of CUDA graphs, one or several steps with one launch.

The first steps run as they are, since torch requires a warm-up; they are steps of the run, so that
nothing has to be undone. Then the next step is recorded, and replayed from then on. Where many
steps may run without a pause, they are recorded as one graph too. A run that can't be recorded
trains with plain steps, after one warning.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tui_app.training.optimizers import make_plain, make_recordable, set_lrs
from tui_app.training.outcome import is_out_of_memory
from tui_app.training.recording.graph_inputs import graph_inputs
from tui_app.training.recording.kept_state import KeptState
from tui_app.training.recording.recorder import Recorder, RunSteps
from tui_app.training.seeding import host_rng_state, restore_host_rng_state
from tui_app.training.state import Training
from tui_app.training.step import bare_step, make_step
from tui_app.training.step_runner import StepsRun

#: Steps before the recorded one, which create the optimizer's state and load kernels.
_WARM_UP = 3

#: Steps of the graph that has many, and the steps that a run must have left for it: it saves some
#: microseconds a step, and recording it takes some hundredths of a second.
_MANY = 16
_WORTH_MANY = 2000

NOT_RECORDED = (
    "the steps of this run are not recorded as a CUDA graph, since {}. It trains without one, "
    "with a call for each operation"
)


class RecordedSteps:
    """Warms up, records and replays. A last, smaller batch of an epoch runs as a plain step."""

    def __init__(self, training: Training, recorder: Recorder) -> None:
        self._training = training
        self._recorder = recorder
        self._plain = make_step(training, self._make_room)
        self._inputs = graph_inputs(training, _MANY)
        self._warm_up = _WARM_UP
        self._is_given_up = False
        self._full_left = 0
        self._graphs: dict[int, RunSteps] = {}
        groups = training.optimizer.param_groups
        self._lrs = torch.zeros(_MANY, len(groups), device=groups[0]["params"][0].device)
        self.longest = self._inputs.most
        make_recordable(training.optimizer)

    def begin_epoch(self, epoch: int, start: int) -> None:
        """The next step is that of batch `start` of `epoch`."""
        training = self._training
        self._full_left = training.train_size // training.batches.batch_size - start
        self._inputs.begin_epoch(epoch, start)

    def run(self, most: int) -> StepsRun:
        """Run one step, or `longest` if so many may be run. Raises OutOfMemory."""
        self._full_left -= 1
        if self._is_given_up:
            return self._run_plain()
        if self._full_left < 0:
            return self._run_plain_on_recording_stream()
        if self._warm_up:
            return self._run_warm_up()
        count = self._count(min(most, self._full_left + 1))
        replay = self._graphs.get(count) or self._record(count)
        if replay is None:
            self._full_left += 1
            return self.run(most)
        self._full_left -= count - 1
        return self._replay(replay, count)

    def close(self) -> None:
        """Free the graphs, and the gradients, which are in their memory."""
        self._graphs.clear()
        self._training.optimizer.zero_grad(set_to_none=True)
        self._recorder.close()

    def _count(self, most: int) -> int:
        """The steps of the graph to replay if `most` may be run."""
        training, many = self._training, self.longest
        left = training.epochs * len(training.batches) - training.step
        is_worth = many in self._graphs or left >= _WORTH_MANY
        return many if most >= many and is_worth else 1

    def _run_plain(self) -> StepsRun:
        inputs, targets = self._inputs.draw()
        return StepsRun(self._plain(inputs, targets), (len(inputs),))

    def _run_plain_on_recording_stream(self) -> StepsRun:
        """Run a plain step on the stream that records."""
        inputs, targets = self._inputs.draw()
        loss = self._recorder.run(lambda: self._plain(inputs, targets))
        return StepsRun(loss, (len(inputs),))

    def _run_warm_up(self) -> StepsRun:
        self._warm_up -= 1
        if self._warm_up:  # the first steps may wait, while they create the optimizer's state
            return self._run_plain_on_recording_stream()
        training = self._training
        inputs, targets = self._inputs.draw()
        wholes = training.model, training.criterion
        before = KeptState(wholes)
        loss, has_waited = self._recorder.watch(lambda: self._plain(inputs, targets))
        if has_waited:
            self._give_up("the model waits for its own results in the middle of a step")
        elif before != KeptState(wholes):
            self._give_up("the model keeps state between steps")
        elif training.parts > 1:
            self._give_up("the device has too little memory for a whole batch")
        return StepsRun(loss, (len(inputs),))

    def _replay(self, replay: RunSteps, count: int) -> StepsRun:
        training = self._training
        self._inputs.fill(count)
        if self._sets_lrs(count):
            steps = range(training.step, training.step + count)
            lrs = torch.tensor([training.group_lrs_at(step) for step in steps])
            self._lrs[:count].copy_(lrs, non_blocking=True)
        losses = replay().clone()  # the next replay overwrites them
        return StepsRun(losses, (training.batches.batch_size,) * count)

    def _sets_lrs(self, count: int) -> bool:
        """Whether a graph of `count` steps sets the lr of each: the caller does for the first."""
        return count > 1 and self._training.schedule.is_bounded

    def _steps(self, count: int) -> Tensor:
        """The steps to record; their losses, () or (count,)."""
        step, optimizer, losses = bare_step(self._training), self._training.optimizer, []
        for lrs, (inputs, targets) in zip(self._lrs, self._inputs.batches(count), strict=False):
            if self._sets_lrs(count):
                set_lrs(optimizer, lrs.unbind())
            losses.append(step(inputs, targets))
        return torch.stack(losses) if count > 1 else losses[0]

    def _rehearse(self, count: int) -> Tensor:
        """Load what a recording uses besides the kernels of a step."""
        self._inputs.rehearse(count)
        return torch.stack([self._lrs.new_zeros(())] * count)

    def _record(self, count: int) -> RunSteps | None:
        """Record `count` steps, or give up recording so many. Leaves weights and random numbers
        unchanged.
        """
        optimizer, before = self._training.optimizer, host_rng_state()
        optimizer.zero_grad(set_to_none=True)  # so that the graph allocates them
        try:
            self._recorder.run(lambda: self._rehearse(count))
            replay = self._recorder.record(lambda: self._steps(count))
        except Exception as error:  # noqa: BLE001 # of torch or the model: a plain step works or raises it
            reason = _why_failed(error)
        else:
            if host_rng_state() == before:
                self._graphs[count] = replay
                return replay
            reason = "the model draws random numbers on the host, which a graph can't"
        restore_host_rng_state(before)
        optimizer.zero_grad(set_to_none=True)
        self._graphs.clear()
        if count > 1:  # one alone may still fit the memory; else recording it says why
            self.longest = 1
            self._recorder.discard()
        else:
            self._give_up(reason)
        return None

    def _make_room(self) -> bool:
        """Free the graphs if a plain step finds too little memory beside theirs."""
        if not self._graphs:
            return False
        self._graphs.clear()
        self._give_up("the device has too little memory for a plain step beside a recorded one")
        return True

    def _give_up(self, reason: str) -> None:
        """Train with plain steps from now on, and say why."""
        self._is_given_up, self.longest = True, 1
        self._recorder.discard()
        make_plain(self._training.optimizer, self._training.group_lrs)
        self._training.pending_warnings.append(NOT_RECORDED.format(reason))


def _why_failed(error: BaseException) -> str:
    """Why recording failed. CUDA reports an error within a recording again when it ends."""
    first: BaseException | None = error
    while first is not None:
        if is_out_of_memory(first):
            return "the device has too little memory to record them"
        first = first.__context__
    first_line = (str(error).splitlines() or [""])[0]
    return f"that failed ({type(error).__name__}: {first_line})"
