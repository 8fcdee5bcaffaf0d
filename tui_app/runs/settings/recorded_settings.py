"""Reads the settings of a recorded run, and loads its lecture from the source in its folder."""

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
from tui_app.runs.run_record import RunRecord
from tui_app.runs.run_source import SourceChoice, load_run_lecture, read_run_source
from tui_app.runs.settings.run_settings import RunSettings, from_record


def read_settings(
    folder: RunFolder, use: SourceChoice = "kept", record: RunRecord | None = None
) -> RunSettings:
    """The settings of the run in `folder`, with the copy of its source or with the `current` file.

    `record` is its run.json, if it was read already. Raises DamagedRun, SourceChanged if the
    current file can't be read, and UntrustedSource.
    """
    record = record or folder.read_record()
    with _as_damage(folder):
        lecture, note = load_run_lecture(folder, record, use)
        return replace(from_record(lecture, record, folder.path.parent.parent), note=note)


def settings_to_resume(
    folder: RunFolder, record: RunRecord, use: SourceChoice | None
) -> RunSettings:
    """The settings of a run to resume. If the user's file has changed, the user must choose a
    source with `use`. Raises what `read_settings` does.
    """
    source = read_run_source(folder, record)
    if use is None and source is not None and source.is_changed:
        raise SourceChanged(
            f"{source.difference}. Add `--source kept` to resume with the copy in the run "
            "folder, or `--source current` to resume with the file as it is now"
        )
    return read_settings(folder, use or "kept", record)


@contextmanager
def _as_damage(folder: RunFolder) -> Iterator[None]:
    """Raise DamagedRun for settings in run.json that can't be used. UntrustedSource isn't one."""
    try:
        yield
    except UntrustedSource:
        raise
    except LectureError as error:
        raise DamagedRun(str(error)) from error
    except (InvalidValue, UnknownDataset, UnknownLecture) as error:
        raise DamagedRun(f"{folder.run_json} can't be used: {error}") from error
    except (TypeError, AttributeError) as error:  # a setting of another type than the lecture's
        raise DamagedRun(f"{folder.run_json} can't be used: {error!r}") from error
