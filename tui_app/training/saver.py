"""When last.pt and best.pt are written: by a thread, so that training goes on meanwhile."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from tui_app.runs.checkpoint import load_checkpoint, save_checkpoint, snapshot
from tui_app.runs.durable_files import sync_file
from tui_app.runs.errors import DamagedRun
from tui_app.runs.events import CheckpointDue, CheckpointSaved, Event, Warned
from tui_app.runs.run_folder import RunFolder
from tui_app.training.best_models import RankedModel
from tui_app.training.state import Training

#: Seconds between two writes of best.pt while the model gets better with every epoch.
_BEST_SECONDS = 1.0


#: What the system says of a disk, or of a user's share of it, that is full.
_NO_ROOM = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))

_GAVE_UP = (
    "the disk is full: previous.pt, the checkpoint before last.pt, was removed to make room for "
    "the next one"
)


@dataclass
class _Writing:
    """Something on its way to the disk, of the run as it was after `step` steps.

    `state` is what last.pt is to hold; without one, only the best models are written. Once it
    `gave_up_previous`, there was no room until previous.pt was removed.
    """

    epoch: int
    step: int
    ranking: Sequence[RankedModel]
    state: Mapping[str, Any] | None
    gave_up_previous: bool = False

    def write(self, folder: RunFolder) -> None:
        """Bring it to the disk, if need be in the room that previous.pt takes. Raises OSError."""
        try:
            self._write(folder)
        except OSError as error:
            if self.state is None or error.errno not in _NO_ROOM or not _can_spare(folder):
                raise
            folder.previous.unlink()
            self.gave_up_previous = True
            self._write(folder)

    def _write(self, folder: RunFolder) -> None:
        if self.state is not None:  # what was recorded until then is there before last.pt is
            sync_file(folder.metrics)
        for place, kept in enumerate(self.ranking):
            save_checkpoint(folder.best(place), dict(kept.weights))
        if self.state is not None:
            save_checkpoint(folder.last, self.state, previous=folder.previous)


def _can_spare(folder: RunFolder) -> bool:
    """Whether there is a previous.pt that nobody needs, since last.pt is whole."""
    try:
        load_checkpoint(folder.last)
    except DamagedRun:
        return False
    return folder.previous.exists()


class Saver:
    """Saves a run into its folder, last.pt every `save_every` seconds.

    Training waits for the copy of its state, not for the disk. A disk that fails is told of, and
    tried again at the next turn; `problem` is what it said when it failed last.
    """

    def __init__(self, training: Training, folder: RunFolder) -> None:
        self.problem: OSError | None = None
        self._training = training
        self._folder = folder
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._writing: _Writing | None = None
        self._done: Future[None] | None = None
        self._is_wanted = self._has_lost_state = self._has_told_no_room = False
        self._saved_step = -1
        self._last_saved = self._best_saved = time.monotonic()
        # A resumed run's best.pt may be damaged, or of a later step than its last.pt.
        self._best_changed = training.best.best is not None

    def save(self) -> Iterator[Event]:
        """Begin to save last.pt, and the best models if they changed."""
        yield from self.collect()
        yield CheckpointDue(run=self._training.run, step=self._training.step)
        self._last_saved, self._is_wanted = time.monotonic(), False
        self._saved_step = self._training.step
        self._begin(snapshot(self._training.state_dict()))

    def request(self) -> None:
        """Save last.pt as soon as nothing else is being written."""
        self._is_wanted = True

    @property
    def is_due(self) -> bool:
        """Whether last.pt is to be saved, and the disk has dealt with what came before."""
        if self._done is not None and not self._done.done():
            return False
        save_every = self._training.settings.options.save_every
        is_late = time.monotonic() - self._last_saved >= save_every
        return self._is_wanted or (is_late and self._training.step != self._saved_step)

    def save_if_due(self) -> Iterator[Event]:
        """Save last.pt when the last time is long enough ago; tell when that is done."""
        if self._done is not None and self._done.done():
            yield from self.collect()
        if self.is_due:
            yield from self.save()

    def best_changed(self) -> None:
        """Write the best models soon: at once, unless they were written a moment ago."""
        self._best_changed = True
        if self._done is None and time.monotonic() - self._best_saved >= _BEST_SECONDS:
            self._begin(None)

    def finish(self) -> Iterator[Event]:
        """Wait until all that is to be written is."""
        yield from self.collect()
        if self._best_changed:
            self._begin(None)
            yield from self.collect()

    def close(self) -> None:
        """Wait for the thread."""
        self._thread.shutdown()

    def _begin(self, state: Mapping[str, Any] | None) -> None:
        ranking = tuple(self._training.best.ranking) if self._best_changed else ()
        self._best_changed, self._best_saved = False, time.monotonic()
        self._writing = _Writing(self._training.epoch, self._training.step, ranking, state)
        self._done = self._thread.submit(self._writing.write, self._folder)

    def collect(self) -> Iterator[Event]:
        """Wait for what is being written, and tell how it went."""
        if self._done is None or self._writing is None:
            return
        writing, done, self._done = self._writing, self._done, None
        run, now = self._training.run, self._training
        wait([done])
        if writing.gave_up_previous and not self._has_told_no_room:
            self._has_told_no_room = True
            yield Warned(run=run, epoch=now.epoch, step=now.step, text=_GAVE_UP)
        try:
            done.result()
        except OSError as error:
            self.problem = error
            self._has_lost_state |= writing.state is not None
            self._best_changed |= bool(writing.ranking)
            text = f"{self._folder.path} could not be written: {error.strerror or error}. "
            text += "Training goes on, and tries again"
            # At today's step: a line of an earlier one would stand behind those of later steps.
            yield Warned(run=run, epoch=now.epoch, step=now.step, text=text)
            return
        if writing.state is None and self._has_lost_state:
            return  # the best models are smaller: that they have room says nothing of last.pt
        self.problem, self._has_lost_state = None, False
        if writing.state is not None:
            yield CheckpointSaved(run=run, epoch=writing.epoch, step=writing.step)
