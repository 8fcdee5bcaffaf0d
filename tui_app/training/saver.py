"""Writes last.pt and best.pt in a thread, so that training continues meanwhile."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from tui_app.runs.checkpoints.checkpoint import copy_to_cpu, load_checkpoint, save_checkpoint
from tui_app.runs.errors import DamagedRun
from tui_app.runs.events import CheckpointDue, CheckpointSaved, Event, Warned
from tui_app.runs.files.durable_files import sync_file
from tui_app.runs.run_folder import RunFolder
from tui_app.training.best_models import RankedModel
from tui_app.training.state import Training

#: Seconds between two writes of best.pt while the model improves with every epoch.
_BEST_SECONDS = 1.0

#: The system's errors for a full disk, and for a full quota.
_DISK_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))

_PREVIOUS_REMOVED = (
    "the disk is full: previous.pt, the checkpoint before last.pt, was removed to make room for "
    "the next one"
)


@dataclass
class _Write:
    """One write to the disk, of the run as it was after `step` steps.

    `state` goes to last.pt; without it only the best models are written. `removed_previous` if the
    disk was full until previous.pt was removed.
    """

    epoch: int
    step: int
    ranking: Sequence[RankedModel]
    state: Mapping[str, Any] | None
    removed_previous: bool = False

    def write(self, folder: RunFolder) -> None:
        """Write it, in the place of previous.pt if the disk is full. Raises OSError."""
        try:
            self._write(folder)
        except OSError as error:
            if (
                self.state is None
                or error.errno not in _DISK_FULL
                or not _can_remove_previous(folder)
            ):
                raise
            folder.previous.unlink()
            self.removed_previous = True
            self._write(folder)

    def _write(self, folder: RunFolder) -> None:
        if self.state is not None:  # the metrics up to this step must be on the disk before last.pt
            sync_file(folder.metrics)
        for place, kept in enumerate(self.ranking):
            save_checkpoint(folder.best(place), dict(kept.weights))
        if self.state is not None:
            save_checkpoint(folder.last, self.state, previous=folder.previous)


def _can_remove_previous(folder: RunFolder) -> bool:
    """Whether there is a previous.pt, and last.pt is intact."""
    try:
        load_checkpoint(folder.last)
    except DamagedRun:
        return False
    return folder.previous.exists()


class Saver:
    """Saves a run into its folder, last.pt every `save_every` seconds.

    Training waits until its state is copied, not for the disk. After a failure there is a warning,
    and the next save tries again; `problem` is the last write's error. Of several ranks, one
    writes; the others take part in the saves that it decides on.
    """

    def __init__(self, training: Training, folder: RunFolder) -> None:
        self.problem: OSError | None = None
        self._training = training
        self._folder = folder
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._write: _Write | None = None
        self._done: Future[None] | None = None
        self._is_requested = self._has_lost_state = self._has_warned_of_full_disk = False
        self._saved_step = -1
        self._last_saved = self._best_saved = time.monotonic()
        # A resumed run's best.pt may be damaged, or of a later step than its last.pt.
        self._best_changed = training.best.best is not None

    def save(self) -> Iterator[Event]:
        """Start saving last.pt, and the best models if they changed."""
        yield from self.collect()
        yield CheckpointDue(run=self._training.run, step=self._training.step)
        self._last_saved, self._is_requested = time.monotonic(), False
        self._saved_step = self._training.step
        state = self._training.state_of_all_ranks()  # for which the writer needs all of them
        self._start(copy_to_cpu(state) if self._training.ranks.writes else None)

    def request(self) -> None:
        """Save last.pt as soon as no other write is in progress."""
        self._is_requested = True

    @property
    def is_due(self) -> bool:
        """Whether last.pt is to be saved now, and no other write is in progress."""
        return self._training.ranks.agree(self._is_due)

    def _is_due(self) -> bool:
        if self._done is not None and not self._done.done():
            return False
        save_every = self._training.settings.options.save_every
        is_late = time.monotonic() - self._last_saved >= save_every
        return self._is_requested or (is_late and self._training.step != self._saved_step)

    def save_if_due(self) -> Iterator[Event]:
        """Save last.pt if that is due, and publish the result of the write before."""
        if self._done is not None and self._done.done():
            yield from self.collect()
        if self.is_due:
            yield from self.save()

    def best_changed(self) -> None:
        """Write the best models soon: now, unless they were written a moment ago."""
        self._best_changed = True
        if self._done is None and time.monotonic() - self._best_saved >= _BEST_SECONDS:
            self._start(None)

    def finish(self) -> Iterator[Event]:
        """Write what is left, and wait for it."""
        yield from self.collect()
        if self._best_changed:
            self._start(None)
            yield from self.collect()

    def close(self) -> None:
        """Wait for the thread."""
        self._thread.shutdown()

    def _start(self, state: Mapping[str, Any] | None) -> None:
        """Start writing; a rank that doesn't write forgets what it would have written."""
        ranking = tuple(self._training.best.ranking) if self._best_changed else ()
        self._best_changed, self._best_saved = False, time.monotonic()
        if not self._training.ranks.writes:
            return
        self._write = _Write(self._training.epoch, self._training.step, ranking, state)
        self._done = self._thread.submit(self._write.write, self._folder)

    def collect(self) -> Iterator[Event]:
        """Wait for the write in progress, and publish its result."""
        if self._done is None or self._write is None:
            return
        writing, done, self._done = self._write, self._done, None
        run, now = self._training.run, self._training
        wait([done])
        if writing.removed_previous and not self._has_warned_of_full_disk:
            self._has_warned_of_full_disk = True
            yield Warned(run=run, epoch=now.epoch, step=now.step, text=_PREVIOUS_REMOVED)
        try:
            done.result()
        except OSError as error:
            self.problem = error
            self._has_lost_state |= writing.state is not None
            self._best_changed |= bool(writing.ranking)
            text = f"{self._folder.path} could not be written: {error.strerror or error}. "
            text += "Training continues, and tries again"
            # At the current step: the lines of the metrics are in the order of the steps.
            yield Warned(run=run, epoch=now.epoch, step=now.step, text=text)
            return
        if writing.state is None and self._has_lost_state:
            return  # the best models are smaller: there may be no room for last.pt yet
        self.problem, self._has_lost_state = None, False
        if writing.state is not None:
            yield CheckpointSaved(run=run, epoch=writing.epoch, step=writing.step)
