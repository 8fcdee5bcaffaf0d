"""Describes the command that trains a run in a process of its own, and its run folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from models.loading.load import is_current
from models.user_files.trust import is_remembered
from tui_app.runs.errors import SourceChanged
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_trust import is_trust_unsaved
from tui_app.runs.settings.command_words import option_words, training_words
from tui_app.runs.settings.run_settings import RunSettings
from tui_app.training.session_request import ResumeRequest


class RunCommand(Protocol):
    """A run to train in another process."""

    @property
    def devices(self) -> int:
        """How many devices it trains on."""
        ...

    @property
    def is_new(self) -> bool:
        """Whether `open_folder` makes the folder, which goes if the run never begins."""
        ...

    def open_folder(self) -> RunFolder:
        """The run folder. Raises RunsFolderUnwritable and SourceChanged."""
        ...

    def words(self, folder: RunFolder) -> list[str]:
        """The words to follow `tutorch`."""
        ...


@dataclass(frozen=True)
class NewRunCommand:
    """Trains a new run with exactly these settings."""

    settings: RunSettings
    is_new = True

    @property
    def devices(self) -> int:
        """How many devices it trains on."""
        return self.settings.options.devices

    def open_folder(self) -> RunFolder:
        """Make the run folder. The process would load a file that was changed since; this raises
        SourceChanged instead, and RunsFolderUnwritable.
        """
        lecture = self.settings.lecture
        if not is_current(lecture):
            raise SourceChanged(f"{lecture.path.name} has changed since the run was started")
        return RunFolder.create(Path(self.settings.options.runs_dir), lecture.name)

    def words(self, folder: RunFolder) -> list[str]:
        """The words to follow `tutorch`."""
        source = self.settings.lecture.source
        trust = ["--trust"] if source is not None and not is_remembered(source) else []
        words = training_words(self.settings)
        return [*words, "--no-tui", f"--run-folder={folder.path}", *trust]


@dataclass(frozen=True)
class ResumeCommand:
    """Resumes a run on so many `devices`, with the changes of the request."""

    request: ResumeRequest
    devices: int
    is_new = False

    def open_folder(self) -> RunFolder:
        """The folder of the run."""
        return self.request.folder

    def words(self, folder: RunFolder) -> list[str]:
        """The words to follow `tutorch`."""
        request = self.request
        words = ["resume", str(folder.path), "--no-tui"]
        words += [f"--epochs={request.epochs}"] if request.epochs is not None else []
        words += [f"--source={request.source}"] if request.source is not None else []
        words += ["--trust"] if is_trust_unsaved(folder) else []
        return [*words, *option_words({**request.options, "devices": self.devices})]
