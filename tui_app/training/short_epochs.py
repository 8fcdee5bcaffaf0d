"""Trains blocks of epochs of one tiny step, without evaluating the model after each.

A one-parameter lecture spends a fifth of an epoch on its step; the rest is evaluation, events and
the wrappers of the optimizer. If every epoch is one step on the whole train set, and the model is
evaluated on that set too, the forward pass of a step is the evaluation of the epoch before it.
What a block records is bit for bit what the general loop would record.

A block consists of whole epochs, except that its last step is left for the loop to evaluate. The
loop thus also trains and judges whatever is special: the first epoch, the last, a pause, early
stopping, divergence.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from tui_app.runs.checkpoints.checkpoint import copy_to_cpu
from tui_app.runs.metrics.packed_epochs import MOST_EPOCHS, PackedEpochs
from tui_app.training.best_models import RankedModel, is_finite
from tui_app.training.data.batches import GatheredBatches
from tui_app.training.data.device_split import Batch
from tui_app.training.direct_step import direct_backward, direct_update
from tui_app.training.divergence import divergence_limit
from tui_app.training.epoch_progress import EpochProgress
from tui_app.training.evaluation import correct, reduction_of
from tui_app.training.loss_buffer import LossBuffer
from tui_app.training.run_clock import RunClock
from tui_app.training.short_epochs_rule import is_suited, state_besides_weights
from tui_app.training.shortest_digits import shortest_digits
from tui_app.training.state import Training
from tui_app.training.steering.control import Control
from tui_app.training.step_runner import StepsRun

#: Seconds of epochs in a block.
_SECONDS = 0.1


def short_epochs(training: Training, control: Control) -> ShortEpochs | None:
    """What trains the run's epochs in blocks; None unless the run is suited to it."""
    whole = training.batches.whole if isinstance(training.batches, GatheredBatches) else None
    if whole is None or training.ranks.count > 1 or not is_suited(training):
        return None
    return ShortEpochs(training, control, whole)


@dataclass
class _Block:
    """The epochs of a block so far.

    `losses` are those of the steps. `after` and `accuracies` are measured after each epoch but the
    last; `best` says of each of those whether it was the best so far (1 or 0). The last of them has
    the value `best_value` and these `weights`, by name.
    """

    best_value: float
    waited: int
    weights: dict[str, Tensor]
    losses: list[float] = field(default_factory=list)
    after: list[float | None] = field(default_factory=list)
    accuracies: list[float | None] = field(default_factory=list)
    best: list[str] = field(default_factory=list)


class ShortEpochs:
    """Trains a suitable run's epochs in blocks of a tenth of a second."""

    def __init__(self, training: Training, control: Control, whole: Batch) -> None:
        self._training = training
        self._control = control
        self._inputs, self._targets = whole
        self._is_sum = reduction_of(training.criterion) == "sum"
        self._has_classes = training.spec.task != "regression"
        self._has_failed = False
        self._state: object = None  # besides the weights

    def train(
        self,
        values: Mapping[str, float],
        losses: LossBuffer,
        clock: RunClock,
    ) -> PackedEpochs | None:
        """Train a block, if the run is at the start of an epoch and no request is pending.

        Returns the epochs that are complete. The step of one more epoch is done and its loss in
        `losses`: the caller evaluates the model and ends that epoch. `values` are those of the last
        evaluation.

        A block that fails a check is rolled back, and the general loop trains it.
        """
        if self._has_failed:
            return None
        if self._state is None:  # before the first epoch, which the general loop trains
            self._keeps_state()
            return None
        if not (values and self._may_begin() and self._keeps_state()):
            return None
        training, start = self._training, clock.now()
        before = copy_to_cpu(training.state_dict())
        block = self._new_block()
        until = time.perf_counter() + min(_SECONDS, clock.deadline - start)
        try:
            is_sound = self._run(block, values, until) and self._keeps_state()
            is_sound = is_sound and is_finite(training.model)
        except Exception:  # noqa: BLE001 # the general loop meets it again, and can handle it
            is_sound = False
        except BaseException:
            training.load_state_dict(before)
            raise
        if not is_sound:
            training.load_state_dict(before)
            self._has_failed = True
            return None
        return self._complete(block, losses, clock.now() - start)

    def _may_begin(self) -> bool:
        training = self._training
        return (
            training.epoch_progress.steps == 0
            and training.epoch + 1 < training.epochs
            and not (self._control.attention or training.lr_changes or training.thread_changes)
            and training.best.best is not None  # so that the weights were finite
            and training.parts == 1
        )

    def _keeps_state(self) -> bool:
        """Whether the epochs since the first call have changed nothing but the weights."""
        try:
            state = state_besides_weights(self._training)
        except Exception:  # noqa: BLE001 # an object of a user's model may raise anything
            state = None
        self._state = self._state or state
        self._has_failed = state is None or self._state != state
        return not self._has_failed

    def _new_block(self) -> _Block:
        training, best = self._training, self._training.best.best
        assert best is not None  # else it may not begin
        empty = {name: torch.empty_like(w) for name, w in training.model.state_dict().items()}
        return _Block(best.value, training.evaluations_without_best, empty)

    def _run(self, block: _Block, values: Mapping[str, float], until: float) -> bool:
        """Train until it is late or anything special happens. False if the first forward pass
        doesn't give the `values` of the last evaluation, or its loss may have diverged.
        """
        training, control = self._training, self._control
        model, criterion = training.model, training.criterion
        inputs, targets = self._inputs, self._targets
        weights = [*model.parameters()]
        backward, update = direct_backward(), direct_update(training.optimizer)
        current = [*model.state_dict().values()]
        most = min(training.epochs - training.epoch, MOST_EPOCHS)
        limit = 0.99 * divergence_limit(training.first_loss)
        while True:
            outputs = model(inputs)
            loss = criterion(outputs, targets)
            value = loss.item()
            if block.losses:
                if not abs(value) < limit or not self._end_epoch(block, loss, outputs, current):
                    break
            elif not abs(value) < limit or self._measured(loss, outputs) != dict(values):
                return False
            for weight in weights:
                weight.grad = None
            backward(loss)
            update()
            training.step += 1
            block.losses.append(value)
            if control.attention or len(block.losses) == most or time.perf_counter() >= until:
                break
        return True

    def _measured(self, loss: Tensor, outputs: Tensor) -> dict[str, float]:
        """What `evaluate` would return for the weights of this forward pass, by recorded names."""
        after, accuracy = self._after(loss), self._accuracy(outputs)
        measured = {"loss": after} if accuracy is None else {"loss": after, "accuracy": accuracy}
        return self._training.measured.values(measured)

    def _after(self, loss: Tensor) -> float:
        if self._is_sum:
            return loss.item()
        return (loss.detach() * len(self._inputs)).item() / len(self._inputs)

    def _accuracy(self, outputs: Tensor) -> float | None:
        if not self._has_classes:
            return None
        targets = self._targets
        return correct(outputs, targets, self._training.spec.task).sum().item() / targets.numel()

    def _end_epoch(
        self, block: _Block, loss: Tensor, outputs: Tensor, current: list[Tensor]
    ) -> bool:
        """Record what the forward pass says of the epoch before it; keep the `current` weights if
        they are the best so far. False if the general loop has to judge the epoch.
        """
        training = self._training
        after, accuracy = self._after(loss), self._accuracy(outputs)
        if not abs(after) < math.inf:
            return False
        value = after if accuracy is None or training.best.metric == "loss" else accuracy
        if training.best.is_better(value, block.best_value):
            for kept, weight in zip(block.weights.values(), current, strict=True):
                kept.copy_(weight)
            block.best_value, block.waited = value, 0
            block.best.append("1")
        elif block.waited + 1 == training.hyperparameters.early_stopping:
            return False
        else:
            block.waited += 1
            block.best.append("0")
        block.after.append(after)
        if accuracy is not None:
            block.accuracies.append(accuracy)
        return True

    def _complete(self, block: _Block, losses: LossBuffer, seconds: float) -> PackedEpochs | None:
        """Bring the run to the last epoch of the block, and return the epochs before that."""
        training, count = self._training, len(block.after)
        progress = EpochProgress(samples=len(self._inputs), seconds=seconds / len(block.losses))
        packed = self._packed(block, progress) if count else None
        training.epoch += count
        training.epoch_progress = EpochProgress(steps=1, seconds=progress.seconds)
        loss = torch.tensor(block.losses[-1], dtype=torch.float32)
        losses.add(StepsRun(loss, (len(self._inputs),)), training.current_lr)
        training.evaluations_without_best = block.waited
        if packed is not None and (best := packed.last_best) is not None:
            kept = RankedModel(block.best_value, best.epoch, best.step, block.weights)
            training.best.ranking = [kept]
        return packed

    def _packed(self, block: _Block, progress: EpochProgress) -> PackedEpochs:
        training, count = self._training, len(block.after)
        first_step = training.step - count
        packed = PackedEpochs(training.run, training.epoch + 1, first_step, 1)
        losses = shortest_digits(np.array(block.losses[:-1], dtype=np.float32))
        packed.losses = [*losses]
        lr, seconds = training.current_lr, progress.recorded_seconds
        of_each = (lr, lr, seconds, progress.samples_per_second)
        packed.columns = {
            name: [value] * count for name, value in zip(packed.columns, of_each, strict=True)
        }
        size = len(self._inputs)
        packed.values["train_loss"] = [
            loss if self._is_sum else loss * size / size  # rounded as the general loop rounds it
            for loss in losses
        ]
        packed.values[training.measured.metric("loss")] = block.after
        if self._has_classes:
            packed.values[training.measured.metric("accuracy")] = block.accuracies
        packed.where = dict.fromkeys(packed.values, "1" * count)
        packed.best = "".join(block.best)
        packed.metric = training.metric if "1" in block.best else ""
        return packed
