"""Controls a run from any thread or signal handler: the loop carries out the requests left here."""

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
    """Why a run is to stop, and the exit code that the program ends with."""

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
    """What can be requested of a run, in this program or in another."""

    def stop(self, reason: str = ..., exit_code: int = ...) -> None:
        """Save and stop at the next step."""
        ...

    def pause(self) -> None:
        """Pause after the current step."""
        ...

    def unpause(self) -> None:
        """End a pause."""
        ...

    def run_steps(self, count: int) -> None:
        """Train `count` more steps, then pause."""
        ...

    def run_epoch(self) -> None:
        """Finish the epoch, then pause."""
        ...

    def set_lr(self, lr: float) -> None:
        """Use this learning rate from the next step on."""
        ...

    def save(self) -> None:
        """Save last.pt after the current step."""
        ...


class Control(Steering):
    """What is requested of a run. All methods may be called at any time, from any thread.

    The loop reads `attention` once a step, and the rest only if that is set. The lock is reentrant,
    so that a signal handler may call these methods whatever it interrupted.
    """

    def __init__(self) -> None:
        self.attention = False
        self.is_training = self.is_finishing = self.is_abandoned = False
        self.suspended = 0.0  # seconds during which the program was, as found by the watchdog
        self._checks = 0
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
        """Save and stop at the next step. Only the first call counts."""
        with self._changed:
            self._stop = self._stop or Stop(reason, exit_code)
            self._notify()

    def pause(self) -> None:
        """Pause after the current step."""
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
        """Finish the epoch, then pause."""
        with self._changed:
            self._paused = self._epoch_allowed = True
            self._notify()

    def set_lr(self, lr: float) -> None:
        """Use this learning rate from the next step on."""
        with self._changed:
            self._lr = lr
            self._notify()

    def save(self) -> None:
        """Save last.pt after the current step."""
        with self._changed:
            self._save = True
            self._notify()

    def request(self, work: Callable[[Training], T]) -> Future[T]:
        """Call `work` with the run after the current step, in the thread that trains it.

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

    # What follows is for the thread that trains.

    @property
    def stop_request(self) -> Stop | None:
        """The stop that was requested, if any."""
        return self._stop

    def must_stop(self) -> bool:
        """Whether a stop was requested; loading and evaluating call this often."""
        self._checks += 1
        return self._stop is not None

    @property
    def progress(self) -> tuple[int, int]:
        """A value that changes with every step, and with every other sign of progress."""
        return self._checks, self._count_steps()

    def withdraw_stop(self, stop: Stop | None) -> None:
        """The run that this stop was meant for has ended: the next one may train."""
        with self._changed:
            if self._stop == stop:
                self._stop = None

    def begin_preparing(self) -> None:
        """Another run is prepared: its watchdog may interrupt it again."""
        self.is_finishing = False

    def begin_training(self, count_steps: Callable[[], int]) -> None:
        """The loop begins; `count_steps` returns the number of its steps."""
        self._count_steps, self.is_training, self.is_finishing = count_steps, True, False

    def begin_finishing(self) -> None:
        """The loop runs no more steps: it saves, which must not be interrupted."""
        self.is_finishing = True

    def pop_lr(self) -> float | None:
        """The learning rate that was requested since the last call, if any."""
        with self._changed:
            lr, self._lr = self._lr, None
            return lr

    def pop_save(self) -> bool:
        """Whether a checkpoint was requested since the last call."""
        with self._changed:
            save, self._save = self._save, False
            return save

    def pop_requests(self) -> list[Request[Any]]:
        """The requests made since the last call."""
        with self._changed:
            requests, self._requests = self._requests, []
            return requests

    def cancel_requests(self) -> None:
        """Training is over: cancel all requests that are left or still to come."""
        with self._changed:
            self._is_over = True
            self.is_training, self._count_steps = False, int  # which would hold the whole run
            for request in self.pop_requests():
                request.result.cancel()

    def may_step(self, *, ends_epoch: bool = False) -> bool:
        """Whether the next step may run, and count it if the number of steps is limited.

        `ends_epoch` if it is the last one of its epoch.
        """
        with self._changed:
            self._checks += 1
            if self._paused and self._epoch_allowed:
                self._epoch_allowed = not ends_epoch
            elif self._paused and self._steps_allowed:
                self._steps_allowed -= 1
            elif self._paused:
                return False
            self.attention = self._paused or self._lr is not None or self._has_request
            return True

    def wait(self, seconds: float) -> None:
        """Sleep until something is requested, at most this long."""
        with self._changed:
            may_run = not self._paused or self._steps_allowed or self._epoch_allowed
            if not (may_run or self._lr or self._has_request):
                self._changed.wait(seconds)

    @property
    def _has_request(self) -> bool:
        return self._save or bool(self._stop) or bool(self._requests)
