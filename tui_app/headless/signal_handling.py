"""Stops, saves or suspends a headless run on signals, and when a step of it doesn't return."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from datasets.reading.progress import LoadingStopped
from tui_app.headless.run_terminal import RunTerminal
from tui_app.runs.errors import Cancelled
from tui_app.runs.exit_codes import ExitCode
from tui_app.terminal.signal_thread import handle_signals
from tui_app.terminal.signals import (
    exit_immediately,
    save_signals,
    stop_reason,
    stop_signals,
    suspend_signals,
)
from tui_app.terminal.streams import is_disconnected, tolerant_streams
from tui_app.training.library_warnings import warnings_noted
from tui_app.training.steering.control import Control, Stop
from tui_app.training.watchdog import StepInterrupted, Watchdog, where_interrupted

#: Seconds after the first Ctrl-C until a hint says what a second one does.
_HINT_AFTER = 1.0

#: Seconds that the second Ctrl-C waits for run folders to record the stop.
_RECORDING = 0.5


@contextmanager
def stop_on_signals(control: Control, terminal: RunTerminal, *, keep: bool) -> Iterator[None]:
    """Let Ctrl-C, TERM and a hang-up save and stop, USR1 save, and Ctrl-Z suspend the program.

    A second Ctrl-C exits immediately. A step that doesn't return is reported, and abandoned once
    the run must stop. With `keep`, a run continues without its terminal after a hang-up, and
    without a pipe that nothing reads. Raises Cancelled when it was stopped before it trained.
    """
    handlers = _Handlers(control, terminal, keep=keep)
    thread = threading.current_thread()
    try:
        with (
            tolerant_streams(handlers.on_stream_failure),
            warnings_noted(terminal.note),
            handle_signals(handlers.on_signal),
            Watchdog(control, thread, handlers.on_stuck, handlers.on_abandon),
        ):
            yield
    except (StepInterrupted, LoadingStopped) as error:
        stop = control.stop_request
        if stop is None:
            raise
        text = str(error)
        if isinstance(error, StepInterrupted):
            text = f"{stop.reason}{where_interrupted(error)}"
        raise Cancelled(text, stop.exit_code) from error
    finally:
        handlers.cancel_hint()


class _Handlers:
    """Handle signals, failing streams and steps that don't return, each from its own thread."""

    def __init__(self, control: Control, terminal: RunTerminal, *, keep: bool) -> None:
        self._control, self._terminal, self._keep = control, terminal, keep
        self._exit_codes = stop_signals()
        self._hint = threading.Timer(_HINT_AFTER, self._print_hint)
        self._hint.daemon = True

    def on_signal(self, number: signal.Signals) -> None:
        """Do what the signal means."""
        if number in save_signals():
            self._control.save()
            return
        if number in suspend_signals():
            if number.name == "SIGTSTP":
                self._terminal.suspend()
            return
        if number.name == "SIGHUP" and self._keep:
            self._terminal.detach()
            return
        if number == signal.SIGTERM and self._terminal.has_failed_rank():
            return  # torchrun ends all ranks, and the run ends for that rank's failure
        if number == signal.SIGINT and self._control.stop_request:
            self._exit_now()
        if number == signal.SIGINT and not self._control.stop_request:
            self._hint.start()
        self._control.stop(stop_reason(number), self._exit_codes[number])

    def on_stream_failure(self, stream: str, error: OSError) -> None:
        """Continue without a stream that can't be written; stop if nothing reads it."""
        self._terminal.note(
            f"{stream} can't be written any more ({error.strerror}): log.txt has what it would show"
        )
        if is_disconnected(error) and not self._keep:
            reason = f"stopped because nothing reads {stream} any more"
            self._control.stop(reason, ExitCode.HUNG_UP)

    def on_stuck(self, text: str) -> None:
        """Report where a step is stuck; an empty text says that it has returned."""
        if text:
            self._terminal.report(text)

    def on_abandon(self, stop: Stop, where: str) -> None:
        """End the program, since the step that must stop doesn't return."""
        self._terminal.abandon(self._control, where)
        self._terminal.show_cursor()
        exit_immediately(stop.exit_code)

    def cancel_hint(self) -> None:
        """Print no hint any more."""
        self._hint.cancel()

    def _print_hint(self) -> None:
        if not self._control.is_finishing:
            self._terminal.console.print(
                "stopping after this step; press Ctrl-C again to exit immediately"
            )

    def _exit_now(self) -> NoReturn:
        """End the program; record first that the run is stopped, unless the disk is slow."""
        session = self._terminal.session
        if session is not None:
            args = (self._control,)
            recording = threading.Thread(target=session.abandon, args=args, daemon=True)
            recording.start()
            recording.join(_RECORDING)
        self._terminal.show_cursor()
        exit_immediately(ExitCode.INTERRUPTED)
