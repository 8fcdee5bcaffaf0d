"""The settings of a run in its folder, with the lecture loaded from the source that it keeps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from datasets import UnknownDataset
from models import LectureError, UnknownLecture
from models.fields import InvalidValue
from models.user_files.trust import UntrustedSource
from tui_app.runs.errors import DamagedRun, SourceChanged
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_source import Use, lecture_of, read_run_source
from tui_app.runs.settings import RunSettings, from_record


def read_settings(folder: RunFolder, use: Use = "kept") -> RunSettings:
    """The settings of the run in `folder`, of the source that it keeps or of the `current` one.

    Raises DamagedRun, SourceChanged where there is no current one, and UntrustedSource.
    """
    record = folder.read_record()
    with _blaming(folder):
        lecture, note = lecture_of(folder, record, use)
        return replace(from_record(lecture, record, folder.path.parent.parent), note=note)


def settings_to_resume(folder: RunFolder, use: Use | None) -> RunSettings:
    """Those of a run that is to go on: the user must have said with which source where the file
    has changed. Raises what `read_settings` does.
    """
    with _blaming(folder):
        source = read_run_source(folder, folder.read_record())
        if use is None and source is not None and source.is_changed:
            raise SourceChanged(
                f"{source.difference}. Add `--source kept` to go on with the copy in the run "
                "folder, or `--source current` to go on with the file as it is now"
            )
    return read_settings(folder, use or "kept")


@contextmanager
def _blaming(folder: RunFolder) -> Iterator[None]:
    """Let whatever is wrong with run.json be said as that. Raises DamagedRun; that the user doesn't
    trust the run's code is nothing wrong with it.
    """
    try:
        yield
    except UntrustedSource:
        raise
    except LectureError as error:
        raise DamagedRun(str(error)) from error
    except (InvalidValue, UnknownDataset, UnknownLecture) as error:
        raise DamagedRun(f"{folder.run_json} can't be used: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise DamagedRun(f"{folder.run_json} is not a run's record: {error!r}") from error
