"""Makes what runs the steps of a run, in each of the ways that are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from unittest import mock

import torch

from tui_app.training import loop
from tui_app.training.cuda_graph import fastest_step
from tui_app.training.state import Training
from tui_app.training.step import make_step
from tui_app.training.step_runner import PlainSteps, StepRunner

#: By name: as tutorch runs them, and with a call for each operation.
WAYS: dict[str, Callable[[Training], StepRunner]] = {
    "graph": lambda training: PlainSteps(training, fastest_step(training)),
    "eager": lambda training: PlainSteps(training, make_step(training)),
}


@contextmanager
def steps_in(way: str) -> Iterator[None]:
    """Let runs that start meanwhile run their steps in this way."""
    patched = mock.patch.object(loop, "fastest_step", make_step)
    with patched if way == "eager" else nullcontext():
        yield


class Steps:
    """Runs the steps of a prepared training, epoch after epoch, without the loop around them."""

    def __init__(self, training: Training, way: str = "graph") -> None:
        self._training = training
        self._runner = WAYS[way](training)
        self._left = 0  # of the epoch

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
            with sync_debug("default" if is_first else sync_debug_mode):
                ran = len(self._runner.run(1 if is_first else min(count, self._left)).sizes)
            self._training.step += ran
            self._left -= ran
            count -= ran

    def close(self) -> None:
        """Free what running them needs."""
        self._runner.close()


@contextmanager
def sync_debug(mode: str) -> Iterator[None]:
    """What torch does meanwhile when the host waits for the GPU: `default`, `warn` or `error`."""
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode(mode)
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)
