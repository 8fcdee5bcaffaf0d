"""When last.pt and best.pt are written."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tui_app.training.checkpoint import save_checkpoint
from tui_app.training.events import CheckpointDue, CheckpointSaved, Event
from tui_app.training.run_folder import RunFolder
from tui_app.training.training import Training

#: Seconds between two writes of best.pt while the model gets better with every epoch.
_BEST_SECONDS = 1.0


class Saver:
    """Saves a run into its folder, last.pt every `save_every` seconds."""

    def __init__(self, training: Training, folder: RunFolder) -> None:
        self._training = training
        self._folder = folder
        self._last_saved = self._best_saved = time.monotonic()
        self._best_changed = False

    def save(self) -> Iterator[Event]:
        """Save last.pt, and the best models if they changed."""
        training = self._training
        yield CheckpointDue(run=training.run, step=training.step)
        self.save_best()
        save_checkpoint(self._folder.last, training.state_dict())
        self._last_saved = time.monotonic()
        yield CheckpointSaved(run=training.run, epoch=training.epoch, step=training.step)

    def save_when_due(self) -> Iterator[Event]:
        """Save last.pt when the last time is long enough ago."""
        if time.monotonic() - self._last_saved >= self._training.settings.options.save_every:
            yield from self.save()

    def best_changed(self) -> None:
        """Write the best models soon: at once, unless they were written a moment ago."""
        self._best_changed = True
        if time.monotonic() - self._best_saved >= _BEST_SECONDS:
            self.save_best()

    def save_best(self) -> None:
        """Write the best models, if they changed since the last time."""
        if not self._best_changed:
            return
        for place, kept in enumerate(self._training.best.ranking):
            save_checkpoint(self._folder.best(place), dict(kept.weights))
        self._best_changed, self._best_saved = False, time.monotonic()
