"""Other threads control a run: pauses, steps, stops, callables."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import cast

import pytest

from tests.program import LONGEST
from tui_app.training.state import Training
from tui_app.training.steering.control import Control
from tui_app.training.watchdog import StepInterrupted


def test_a_pause_blocks_until_unpaused_and_counts_single_steps() -> None:
    control = Control()
    control.run_steps(2)
    assert [control.may_step() for _ in range(3)] == [True, True, False]
    control.run_epoch()
    ends = (False, False, True, False)
    assert [control.may_step(ends_epoch=end) for end in ends] == [True, True, True, False]
    waiting = threading.Event()

    def wait() -> None:
        waiting.set()
        while not control.may_step():
            control.wait(30)

    thread = threading.Thread(target=wait)
    thread.start()
    waiting.wait()
    control.unpause()
    thread.join(LONGEST)
    assert not thread.is_alive()
    assert not control.attention


def test_the_first_stop_request_counts() -> None:
    control = Control()
    control.stop("first", 130)
    control.stop("second", 143)
    assert control.attention
    assert control.stop_request is not None
    assert (control.stop_request.reason, control.stop_request.exit_code) == ("first", 130)


def test_a_request_has_the_result_or_the_error_and_training_continues() -> None:
    control, training = Control(), cast(Training, SimpleNamespace(step=7))
    step = control.request(lambda training: training.step)
    error = control.request(lambda training: training.step / 0)
    cancelled = control.request(lambda training: pytest.fail("a cancelled request ran"))
    assert control.attention
    cancelled.cancel()
    for request in control.pop_requests():
        request.run(training)
    assert step.result(0) == 7
    with pytest.raises(ZeroDivisionError):
        error.result(0)
    control.cancel_requests()
    assert control.request(lambda training: None).cancelled(), "the run is over"


def test_a_request_that_a_stop_interrupts_fails_and_the_stop_goes_on() -> None:
    control, training = Control(), cast(Training, SimpleNamespace())

    def interrupted(training: Training) -> None:
        raise StepInterrupted

    result = control.request(interrupted)
    (request,) = control.pop_requests()
    with pytest.raises(StepInterrupted):
        request.run(training)
    with pytest.raises(RuntimeError, match="stopped meanwhile"):
        result.result(0)
