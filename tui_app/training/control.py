"""Steers a run from any thread or signal handler: requests are left here, the loop does them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from tui_app.training.state import Training

T = TypeVar("T")


@dataclass(frozen=True)
class Stop:
    """Why a run is to stop, and what the program exits with for it."""

    reason: str
    exit_code: int


@dataclass(frozen=True)
class Request(Generic[T]):
    """Work that another thread wants done in the loop's thread, between two steps."""

    work: Callable[[Training], T]
    result: Future[T]

    def run(self, training: Training) -> None:
        """Do the work and resolve the future; an error goes to the requester, and training
        continues.
        """
        if not self.result.set_running_or_notify_cancel():
            return
        try:
            self.result.set_result(self.work(training))
        except Exception as error:  # noqa: BLE001
            self.result.set_exception(error)
        except BaseException:  # a stop interrupted the work
            self.result.set_exception(RuntimeError("the run was stopped meanwhile"))
            raise


class Steering(Protocol):
    """What a person can ask of a run, in this program or in another."""

    def stop(self, reason: str = ..., exit_code: int = ...) -> None:
        """Save and stop at the next step."""
        ...

    def pause(self) -> None:
        """Wait after the step under way."""
        ...

    def unpause(self) -> None:
        """End a pause."""
        ...

    def run_steps(self, count: int) -> None:
        """Train `count` more steps, then pause."""
        ...

    def run_epoch(self) -> None:
        """Train to the end of the epoch, then pause."""
        ...

    def set_lr(self, lr: float) -> None:
        """Use this learning rate from the next step on."""
        ...

    def save(self) -> None:
        """Save last.pt after the step under way."""
        ...


class Control(Steering):
    """What is wanted of a run. Every method may be called at any time, from any thread.

    The loop looks at `attention` once per step, and at the rest only when that is set. The lock is
    reentrant, so that a signal handler may call these methods whatever the thread it interrupts
    was doing.
    """

    def __init__(self) -> None:
        self.attention = False
        self.is_training = self.is_finishing = self.is_abandoned = False
        self.suspended = 0.0  # seconds in which the whole program was, as the watchdog finds
        self._answers = 0
        self._count_steps: Callable[[], int] = int
        self._changed = threading.Condition(threading.RLock())
        self._stop: Stop | None = None
        self._paused = False
        self._steps_allowed = 0
        self._epoch_allowed = False
        self._lr: float | None = None
        self._save = False
        self._requests: list[Request[Any]] = []
        self._is_over = False

    def stop(self, reason: str = "stopped by request", exit_code: int = 0) -> None:
        """Save and stop at the next step. The first reason given counts."""
        with self._changed:
            self._stop = self._stop or Stop(reason, exit_code)
            self._notify()

    def pause(self) -> None:
        """Wait after the step under way."""
        with self._changed:
            self._paused, self._steps_allowed, self._epoch_allowed = True, 0, False
            self._notify()

    def unpause(self) -> None:
        """End a pause."""
        with self._changed:
            self._paused = False
            self._notify()

    def run_steps(self, count: int) -> None:
        """Train `count` more steps, then pause."""
        with self._changed:
            self._paused = True
            self._steps_allowed += count
            self._notify()

    def run_epoch(self) -> None:
        """Train to the end of the epoch, then pause: which step that is, the loop knows."""
        with self._changed:
            self._paused = self._epoch_allowed = True
            self._notify()

    def set_lr(self, lr: float) -> None:
        """Use this learning rate from the next step on."""
        with self._changed:
            self._lr = lr
            self._notify()

    def save(self) -> None:
        """Save last.pt after the step under way."""
        with self._changed:
            self._save = True
            self._notify()

    def request(self, work: Callable[[Training], T]) -> Future[T]:
        """Call `work` with the run after the step under way, in the thread that trains it.

        Model and random numbers are restored afterwards. The future holds what `work` returned or
        raised; it is cancelled if the run ends first.
        """
        with self._changed:
            result: Future[T] = Future()
            if self._is_over:
                result.cancel()
            else:
                self._requests.append(Request(work, result))
                self._notify()
            return result

    def _notify(self) -> None:
        self.attention = True
        self._changed.notify_all()

    # What follows is the loop's side.

    @property
    def stopped(self) -> Stop | None:
        """The stop that was asked for, if any."""
        return self._stop

    def must_stop(self) -> bool:
        """Whether a stop was asked for; what loads or evaluates looks at this again and again."""
        self._answers += 1
        return self._stop is not None

    @property
    def answers(self) -> tuple[int, int]:
        """Something else whenever the loop has come back, from a step or otherwise."""
        return self._answers, self._count_steps()

    def begin_preparing(self) -> None:
        """Another run is prepared, which may get stuck as the one before it may have."""
        self.is_finishing = False

    def begin_training(self, count_steps: Callable[[], int]) -> None:
        """The loop begins: `count_steps` says how many steps it has taken."""
        self._count_steps, self.is_training, self.is_finishing = count_steps, True, False

    def begin_finishing(self) -> None:
        """The loop takes no more steps: it saves, and is waited for."""
        self.is_finishing = True

    def pop_lr(self) -> float | None:
        """The learning rate that was asked for since the last call, if any."""
        with self._changed:
            lr, self._lr = self._lr, None
            return lr

    def pop_save(self) -> bool:
        """Whether a checkpoint was asked for since the last call."""
        with self._changed:
            save, self._save = self._save, False
            return save

    def pop_requests(self) -> list[Request[Any]]:
        """The requests made since the last call."""
        with self._changed:
            requests, self._requests = self._requests, []
            return requests

    def cancel_requests(self) -> None:
        """Training is over: cancel what wasn't answered, and all that will yet be asked for."""
        with self._changed:
            self._is_over = True
            self.is_training, self._count_steps = False, int  # which would hold the whole run
            for request in self.pop_requests():
                request.result.cancel()

    def may_step(self, *, ends_epoch: bool = False) -> bool:
        """Whether the next step may be taken, which may be its epoch's last one; counts it when
        steps are taken one by one.
        """
        with self._changed:
            self._answers += 1
            if self._paused and self._epoch_allowed:
                self._epoch_allowed = not ends_epoch
            elif self._paused and self._steps_allowed:
                self._steps_allowed -= 1
            elif self._paused:
                return False
            self.attention = self._paused or self._lr is not None or self._is_asked
            return True

    def wait(self, seconds: float) -> None:
        """Sleep until something is asked for, at most so long."""
        with self._changed:
            may_go_on = not self._paused or self._steps_allowed or self._epoch_allowed
            if not (may_go_on or self._lr or self._is_asked):
                self._changed.wait(seconds)

    @property
    def _is_asked(self) -> bool:
        return self._save or bool(self._stop) or bool(self._requests)
