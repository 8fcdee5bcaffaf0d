"""Describes a run to train, new or resumed, without importing torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from datasets.reading.progress import Progress

if TYPE_CHECKING:
    from tui_app.runs.events import RunCompleted
    from tui_app.runs.run_folder import RunFolder
    from tui_app.runs.run_record import RunRecord
    from tui_app.runs.run_source import SourceChoice
    from tui_app.runs.settings.run_settings import RunSettings
    from tui_app.training.ranks.ranks import Ranks
    from tui_app.training.session import Session
    from tui_app.training.steering.control import Control

#: Called as data are loaded.
OnProgress = Callable[[Progress], None]

#: Prepares a session in the thread that trains it, and reports what is loaded meanwhile.
MakeSession: TypeAlias = "Callable[[Control, OnProgress], Session]"


@dataclass(frozen=True)
class NewRunRequest:
    """A run to start with these settings, in a `folder` that was made before, if there is one.

    run.json gets the values of `also_record`, too. Each of several `ranks` makes its own request:
    rank 0 calls it, and the others `follow`.
    """

    settings: RunSettings
    folder: RunFolder | None = None
    also_record: Mapping[str, Any] = field(default_factory=dict)
    ranks: Ranks | None = None

    def __call__(self, control: Control, on_progress: OnProgress) -> Session:
        """Prepare the run and make its folder."""
        from tui_app.training.ranks.ranks import ALONE  # puts off torch
        from tui_app.training.start import start_run

        ranks = self.ranks or ALONE
        return start_run(self.settings, control, on_progress, self.folder, self.also_record, ranks)

    def follow(self, control: Control) -> RunCompleted:
        """Train the run on this rank, another than rank 0, and return its last event."""
        from tui_app.training.follow import follow, follow_new_run  # puts off torch

        assert self.ranks is not None
        return follow(follow_new_run(self.settings, control, self.ranks), control)


@dataclass(frozen=True)
class ResumeRequest:
    """A run to resume, and what changes: `epochs` in all, `options` by name.

    `source` says whether it continues with the source in its folder or with the user's file as it
    is now; it must be given if the two differ. `record` is its run.json, if it was read already.
    `ranks` are as in a NewRunRequest.
    """

    folder: RunFolder
    epochs: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    source: SourceChoice | None = None
    record: RunRecord | None = None
    ranks: Ranks | None = None

    def __call__(self, control: Control, on_progress: OnProgress) -> Session:
        """Load the run's last checkpoint."""
        from tui_app.training.ranks.ranks import ALONE  # puts off torch
        from tui_app.training.resume import resume_run

        return resume_run(
            self.folder,
            control,
            on_progress,
            epochs=self.epochs,
            source=self.source,
            record=self.record,
            ranks=self.ranks or ALONE,
            **self.options,
        )

    def follow(self, control: Control) -> RunCompleted:
        """Train the resumed run on this rank, another than rank 0, and return its last event."""
        from tui_app.training.follow import follow, follow_resumed_run  # puts off torch

        assert self.ranks is not None
        training = follow_resumed_run(
            self.folder,
            control,
            self.ranks,
            epochs=self.epochs,
            source=self.source,
            record=self.record,
            **self.options,
        )
        return follow(training, control)
