"""Whether the user trusts the code of a run: asked before it is opened, and remembered once it has
trained.
"""

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
from tui_app.runs.run_source import Use, source_to_open


def untrusted_source(folder: RunFolder, use: Use = "kept") -> UntrustedSource | None:
    """What to ask the user before the run's code is executed; None where nothing need be asked.
    What is wrong with the folder is not said.
    """
    try:
        source, _ = source_to_open(folder, folder.read_record(), use)
        if source is not None:
            refuse_untrusted(source)
    except UntrustedSource as error:
        return error
    except (DamagedRun, SourceChanged, LectureError, UnknownLecture):
        return None
    except (KeyError, TypeError, AttributeError):  # no run's record
        return None
    return None


def trusted_here_only(folder: RunFolder) -> bool:
    """Whether this program may run the code that the run keeps, and the next one may not: what the
    user trusts couldn't be remembered.
    """
    try:
        source, _ = source_to_open(folder, folder.read_record())
    except (DamagedRun, SourceChanged, LectureError, UnknownLecture):
        return False
    except (KeyError, TypeError, AttributeError):
        return False
    return source is not None and is_allowed(source) and not is_remembered(source)


def trust_copy(folder: RunFolder, source: Source) -> list[str]:
    """Trust the copy that a run keeps of what it trains. Why that can't be remembered, if so.

    The owner of the copy is another one on some network file systems.
    """
    owners = source.owners | owners_of(folder.source, source.files)
    problem = trust(replace(source, owners=owners))
    return [f"{problem}. Opening this run later asks again"] if problem else []
