"""Makes what runs the steps of a run, in each of the ways that are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from unittest import mock

import torch

from tui_app.training import loop
from tui_app.training.recording import recorded_steps
from tui_app.training.recording.choice import fastest_steps
from tui_app.training.state import Training
from tui_app.training.step import make_step
from tui_app.training.step_runner import PlainSteps, StepRunner


def _one_step_a_graph(training: Training) -> StepRunner:
    runner = fastest_steps(training)
    runner.longest = 1
    return runner


#: By name: a graph of many steps however short the run is, a graph of one step, and a call for each
#: operation.
WAYS: dict[str, Callable[[Training], StepRunner]] = {
    "many steps a graph": fastest_steps,
    "one step a graph": _one_step_a_graph,
    "eager": lambda training: PlainSteps(training, make_step(training)),
}
MANY, ONE, EAGER = WAYS


@contextmanager
def steps_in(way: str) -> Iterator[None]:
    """Let runs that start meanwhile run their steps in this way; an empty one is tutorch's own."""
    made = mock.patch.object(loop, "fastest_steps", WAYS[way]) if way else nullcontext()
    with made, _many_are_worth_it() if way == MANY else nullcontext():
        yield


def _many_are_worth_it() -> mock._patch[int]:
    """A short run would not record many steps."""
    return mock.patch.object(recorded_steps, "_WORTH_MANY", 0)


class Steps:
    """Runs the steps of a prepared training, epoch after epoch, without the loop around them."""

    def __init__(self, training: Training, way: str = MANY) -> None:
        self._training = training
        self._open = ExitStack()
        self._open.enter_context(steps_in(way))
        self._runner = self._open.enter_context(closing(WAYS[way](training)))
        self._left = 0  # of the epoch
        training.model.train()
        training.apply_lr()

    def run(self, count: int, sync_debug_mode: str = "default") -> None:
        """Run `count` steps. In the mode `error`, a step that waits for the GPU raises; the first
        step of an epoch of several may wait, since it copies the epoch's order to the GPU.
        """
        steps_of_epoch = len(self._training.batches)
        while count:
            if not self._left:
                self._runner.begin_epoch(self._training.epoch, 0)
                self._training.epoch += 1
                self._left = steps_of_epoch
            is_first = self._left == steps_of_epoch > 1
            most = 1 if is_first else min(count, self._left, self._runner.longest)
            with sync_debug("default" if is_first else sync_debug_mode):
                ran = len(self._runner.run(most).sizes)
            self._training.step += ran
            self._left -= ran
            count -= ran

    def close(self) -> None:
        """Free what running them needs."""
        self._open.close()


@contextmanager
def sync_debug(mode: str) -> Iterator[None]:
    """What torch does meanwhile when the host waits for the GPU: `default`, `warn` or `error`."""
    if mode == "default":
        yield
        return
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode(mode)
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)
