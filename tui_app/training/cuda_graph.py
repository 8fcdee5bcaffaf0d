"""Records a whole step as a CUDA graph, so that one launch replaces a hundred.

This helps models whose operations take longer to launch than to compute.

Forward, backward and optimizer are recorded once and then replayed on the same memory: each batch
is copied to where the recorded one was. Recording computes nothing. The warm-up steps that torch
requires are steps of the run, so nothing has to be undone. A run that can't be recorded trains with
plain steps, after one warning. See "CUDA semantics" in torch's manual.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from tui_app.training.data.batches import LoaderBatches
from tui_app.training.optimizers import can_be_recorded, make_plain, make_recordable
from tui_app.training.seeding import host_rng_state, restore_host_rng_state
from tui_app.training.state import Training
from tui_app.training.step import Step, bare_step, make_step

#: Steps before the recorded one, which create the optimizer's state and load kernels.
_WARM_UP = 3

_NOT_RECORDED = (
    "the steps of this run are not recorded as a CUDA graph, since {}. It trains without one, "
    "with a call for each operation"
)


class Recorder(Protocol):
    """Records steps."""

    def run(self, step: Callable[[], Tensor]) -> Tensor:
        """Run a step."""
        ...

    def watch(self, step: Callable[[], Tensor]) -> tuple[Tensor, bool]:
        """Run a step, and return whether the host waited for the device in it."""
        ...

    def record(self, step: Callable[[], Tensor]) -> Callable[[], Tensor]:
        """Record a step without running it; the function that replays it. Raises torch's errors."""
        ...


def fastest_step(training: Training) -> Step:
    """The fastest step for the run's device."""
    device = torch.device(training.device.name)
    if device.type != "cuda":
        return make_step(training)
    reason = why_not_recordable(training)
    if reason:
        training.pending_warnings.append(_NOT_RECORDED.format(reason))
        return make_step(training)
    return GraphedStep(training, CudaRecorder(device))


def why_not_recordable(training: Training) -> str:
    """Why the run's steps can't be recorded, if that is known beforehand; else empty."""
    lecture = training.settings.lecture
    if lecture.optimizer is not None:
        return "the lecture has its own optimizer"
    if lecture.backward is not None:
        return "the lecture's gradients are written out by hand"
    if not can_be_recorded(training.optimizer):
        return f"{training.hyperparameters.optimizer} counts or decides something on the host"
    if isinstance(training.batches, LoaderBatches):
        return "its batches come from a DataLoader"
    device = torch.device(training.device.name)
    tensors = [*training.model.parameters(), *training.model.buffers()]
    if any(tensor.device.type != device.type for tensor in tensors):
        return "not all of the model is on the device"
    return ""


class GraphedStep:
    """A step that is recorded after the warm-up. A batch of another size runs as a plain step."""

    def __init__(self, training: Training, recorder: Recorder) -> None:
        self._training = training
        self._recorder = recorder
        self._plain = make_step(training)
        self._size = min(training.batches.batch_size, training.train_size)
        self._warm_up = _WARM_UP
        self._has_failed = False
        self._replay: Callable[[], Tensor] | None = None
        self._inputs = self._targets = torch.empty(0)
        make_recordable(training.optimizer)

    def __call__(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Run the step. Raises OutOfMemory."""
        if self._has_failed:
            return self._plain(inputs, targets)
        if len(inputs) != self._size:  # the last batch of an epoch
            return self._recorder.run(lambda: self._plain(inputs, targets))
        if self._warm_up:
            return self._run_warm_up(inputs, targets)
        if self._replay is None:
            self._record(inputs, targets)
        if self._replay is None:
            return self._plain(inputs, targets)
        self._inputs.copy_(inputs)
        self._targets.copy_(targets)
        return self._replay().clone()  # the next replay overwrites it

    def _run_warm_up(self, inputs: Tensor, targets: Tensor) -> Tensor:
        self._warm_up -= 1
        before = self._attributes()
        loss, has_waited = self._recorder.watch(lambda: self._plain(inputs, targets))
        # The first steps may wait, while they create the optimizer's state.
        if not self._warm_up and has_waited:
            self._give_up("the model waits for its own results in the middle of a step")
        elif not self._warm_up and _differ(before, self._attributes()):
            self._give_up("the model keeps state between steps")
        elif not self._warm_up and self._training.parts > 1:
            self._give_up("the device has too little memory for a whole batch")
        return loss

    def _attributes(self) -> dict[tuple[nn.Module, str], Any]:
        """All attributes of model and criterion: a replay runs no Python, so it would neither
        increment a counter nor replace a tensor.
        """
        training = self._training
        return {
            (module, name): value
            for whole in (training.model, training.criterion)
            for module in whole.modules()
            for name, value in {**vars(module), **module._buffers, **module._parameters}.items()
        }

    def _record(self, inputs: Tensor, targets: Tensor) -> None:
        """Record the step, or give up. Leaves weights and random numbers unchanged."""
        training, before = self._training, host_rng_state()
        self._inputs, self._targets = inputs.clone(), targets.clone()
        step = bare_step(training)
        training.optimizer.zero_grad(set_to_none=True)  # so that the graph allocates them
        try:
            self._replay = self._recorder.record(lambda: step(self._inputs, self._targets))
        except Exception as error:  # noqa: BLE001 # of torch or the model: a plain step works or raises it
            first_line = (str(error).splitlines() or [""])[0]
            reason = f"that failed ({type(error).__name__}: {first_line})"
        else:
            reason = ""
            if host_rng_state() != before:
                reason = "the model draws random numbers on the host, which a graph can't"
        if reason:
            restore_host_rng_state(before)
            training.optimizer.zero_grad(set_to_none=True)
            self._give_up(reason)

    def _give_up(self, reason: str) -> None:
        self._replay, self._has_failed = None, True
        self._inputs = self._targets = torch.empty(0)
        make_plain(self._training.optimizer, self._training.group_lrs)
        self._training.pending_warnings.append(_NOT_RECORDED.format(reason))


def _differ(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> bool:
    return before.keys() != after.keys() or any(after[key] is not before[key] for key in before)


class CudaRecorder:
    """Records on a separate stream, on which the warm-up steps also run, as torch requires."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)

    def run(self, step: Callable[[], Tensor]) -> Tensor:
        """Run a step."""
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            loss = step()
        current.wait_stream(self._stream)
        loss.record_stream(current)
        return loss

    def watch(self, step: Callable[[], Tensor]) -> tuple[Tensor, bool]:
        """Run a step, and return whether the host waited for the device in it."""
        before = torch.cuda.get_sync_debug_mode()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                loss = self.run(step)
            finally:
                torch.cuda.set_sync_debug_mode(before)
        return loss, any("called a synchronizing" in str(each.message) for each in caught)

    def record(self, step: Callable[[], Tensor]) -> Callable[[], Tensor]:
        """Record a step without running it; the function that replays it. Raises torch's errors."""
        graph = torch.cuda.CUDAGraph()
        state = torch.cuda.get_rng_state(self._device)
        try:
            # Other threads may run: none of them uses the device's memory.
            recording = torch.cuda.graph(
                graph, stream=self._stream, capture_error_mode="thread_local"
            )
            # Without it torch would synchronise with the first GPU, and allocate memory there.
            with torch.cuda.device(self._device), recording:
                loss = step()
        except BaseException:
            self._renew_generator(state)
            raise

        def replay() -> Tensor:
            graph.replay()
            return loss

        return replay

    def _renew_generator(self, state: Tensor) -> None:
        """Replace the generator's state, which a failed recording leaves in capture mode."""
        index = self._device.index
        generators = torch.cuda.default_generators
        own = generators[torch.cuda.current_device() if index is None else index]
        fresh = torch.Generator(own.device)
        fresh.set_state(state)
        own.graphsafe_set_state(fresh.graphsafe_get_state())
