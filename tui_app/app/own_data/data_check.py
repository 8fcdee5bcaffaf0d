"""Reads previews of the user's own data, and checks them for a lecture. Called in threads."""

from __future__ import annotations

from collections.abc import Callable

from datasets import DataDamaged, DataUnavailable, UnknownDataset, get_dataset
from datasets.own.image_folder import refuse_other_task
from datasets.own.image_lists import image_folders
from datasets.own.preview import (
    FolderPreview,
    TablePreview,
    check_table,
    preview_folder,
    preview_table,
)
from datasets.reading.progress import LoadingStopped, ProgressReporter
from models.fields import InvalidValue
from models.lecture import Lecture
from tui_app.app.own_data.column_selection import ColumnSelection
from tui_app.app.own_data.own_data import OwnData
from tui_app.training.data.suitable_data import refuse_unsuitable_data, refuse_unsuitable_inputs


def read_preview(
    data: OwnData, stopped: Callable[[], bool]
) -> tuple[TablePreview | FolderPreview | None, str]:
    """Return the beginning of `data` and ""; or None and the problem, "" once `stopped()`."""
    try:
        if data.kind == "csv":
            return preview_table(data.path), ""
        return preview_folder(data.path, ProgressReporter(stopped=stopped)), ""
    except (DataUnavailable, DataDamaged, UnknownDataset) as problem:
        return None, str(problem)
    except OSError as problem:
        return None, f"{data.path} can't be read: {problem.strerror}"
    except LoadingStopped:
        return None, ""


def problem_with(
    data: OwnData, lecture: Lecture, stopped: Callable[[], bool]
) -> InvalidValue | None:
    """Return why `lecture` can't learn from `data`, judged by their beginning, or None. The message
    is the one that training would give.
    """
    try:
        refuse_unsuitable_data(lecture, data.dataset)
        if data.kind == "csv":
            preview = preview_table(data.path)
            check_table(preview, data.choice, lecture.task)
            if not stopped():
                inputs = ColumnSelection(data, preview).inputs
                refuse_unsuitable_inputs(lecture, inputs)
        else:
            get_dataset(data.dataset, task=lecture.task)
            classes = image_folders(data.path).classes
            refuse_other_task(data.path, len(classes), lecture.task)
    except InvalidValue as problem:
        return problem
    except UnknownDataset as problem:
        flag, _, _ = str(problem).partition(" ")
        field = {"--drop": "drop", "--columns": "columns"}
        return InvalidValue(str(problem), field.get(flag.rstrip(":"), "target"))
    except (DataUnavailable, DataDamaged) as problem:
        return InvalidValue(str(problem), "dataset")
    except OSError as problem:
        return InvalidValue(f"{data.dataset} can't be read: {problem.strerror}", "dataset")
    return None
