"""Checks whether the user trusts the code in a run folder, and records that they do."""

from __future__ import annotations

from dataclasses import replace

from models import LectureError, UnknownLecture
from models.user_files.owners import owners_of
from models.user_files.source import Source
from models.user_files.trust import (
    UntrustedSource,
    is_allowed,
    is_remembered,
    refuse_untrusted,
    trust,
)
from tui_app.runs.errors import DamagedRun, SourceChanged
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_source import SourceChoice, source_to_open


def untrusted_source(folder: RunFolder, use: SourceChoice = "kept") -> UntrustedSource | None:
    """The code that the user must trust before the run is opened; None if it is trusted already, or
    the folder is damaged.
    """
    try:
        source, _ = source_to_open(folder, folder.read_record(), use)
        if source is not None:
            refuse_untrusted(source)
    except UntrustedSource as error:
        return error
    except (DamagedRun, SourceChanged, LectureError, UnknownLecture):
        return None
    return None


def is_trust_unsaved(folder: RunFolder) -> bool:
    """Whether only this process may run the code in the run folder, because the user's trust
    couldn't be saved.
    """
    try:
        source, _ = source_to_open(folder, folder.read_record())
    except (DamagedRun, SourceChanged, LectureError, UnknownLecture):
        return False
    return source is not None and is_allowed(source) and not is_remembered(source)


def trust_copy(folder: RunFolder, source: Source) -> list[str]:
    """Trust the copy of the source in the run folder; say why if that can't be saved.

    On some network file systems the copy has another owner than the user's file.
    """
    owners = source.owners | owners_of(folder.source, source.files)
    problem = trust(replace(source, owners=owners))
    return [f"{problem}. tutorch will ask again when you open this run later"] if problem else []
