"""The messages that widgets, dialogs and threads post to a screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.message import Message

if TYPE_CHECKING:
    import numpy as np

    from datasets.own.preview import FolderPreview, TablePreview
    from models import Lesson
    from models.fields import InvalidValue
    from models.lecture import Lecture
    from models.user_files.trust import UntrustedSource
    from tui_app.app.own_data.folder_listing import Listing
    from tui_app.app.own_data.own_data import OwnData
    from tui_app.inspection.lr_finder.finding import LrFinding
    from tui_app.runs.listing import RunSummary
    from tui_app.runs.run_folder import RunFolder
    from tui_app.runs.run_table import RunRow
    from tui_app.search.summary import StudySummary


@dataclass
class LectureHighlighted(Message):
    """The cursor of the list is on a lecture."""

    path: Path


@dataclass
class LectureChosen(Message):
    """A lecture was chosen: its settings are edited next."""

    path: Path


@dataclass
class SettingChanged(Message):
    """The text of the setting `name` was changed."""

    name: str
    text: str


@dataclass
class SettingReset(Message):
    """A reset of the setting `name` to its default was requested."""

    name: str


@dataclass
class SettingFocused(Message):
    """The field of the setting `name` has the focus."""

    name: str


@dataclass
class SettingEntered(Message):
    """Enter was pressed in the field of the setting `name`."""

    name: str


@dataclass
class OwnDataRequested(Message):
    """The dialog that picks the user's own data was requested: a table where `kind` is `csv`,
    images where it is `folder`.
    """

    kind: str


@dataclass
class OwnDataEntered(Message):
    """Enter was pressed in the field of the data set, which names the user's own `data`."""

    data: OwnData


@dataclass
class OwnDataUnchecked(Message):
    """The form names `data` that haven't been checked yet."""

    data: OwnData


@dataclass
class OwnDataChecked(Message):
    """`data` were checked: the `problem` with them, or None."""

    data: OwnData
    problem: InvalidValue | None


@dataclass
class StartRequested(Message):
    """Start was pressed in the form."""


@dataclass
class PaneChosen(Message):
    """The pane `pane` was chosen, to be shown and focused."""

    pane: str


@dataclass
class LectureReady(Message):
    """A lecture was imported. A new form starts with the settings `given`; `chosen` ones replace
    those of any form. `choices` are labels and values by setting. `notes` say which settings in
    tutorch.toml are refused.
    """

    lecture: Lecture
    lesson: Lesson
    given: Mapping[str, Any]
    chosen: Mapping[str, Any] | None
    choices: Mapping[str, Sequence[tuple[str, str]]]
    notes: Sequence[str] = ()


@dataclass
class LectureFailed(Message):
    """The lecture's file, or a setting given for it, can't be used; `sentence` says why, in lines.

    `untrusted` is set where the user hasn't trusted the file; once they do, it is loaded with the
    `chosen` settings.
    """

    path: Path
    sentence: str
    untrusted: UntrustedSource | None = None
    chosen: Mapping[str, Any] | None = None


@dataclass
class RunSettingsRead(Message):
    """The settings of a run were read, to train the lecture in `path` with them again. `done` is
    the notice to show then.
    """

    path: Path
    settings: Mapping[str, Any]
    done: str


@dataclass
class RunSettingsFailed(Message):
    """The settings of the run in `folder` can't be read, because of `problem`."""

    folder: RunFolder
    problem: Exception
    changes: Mapping[str, Any]
    done: str


@dataclass
class LectureStuck(Message):
    """The import of a lecture's file hasn't returned for long; `sentence` says where it is."""

    sentence: str


@dataclass
class DevicesFound(Message):
    """The devices were found: label and value of each choice."""

    choices: Sequence[tuple[str, str]]


@dataclass
class RunsRead(Message):
    """The run folders were read."""

    summaries: Sequence[RunSummary]


@dataclass
class RunsChanged(Message):
    """A run has started, ended or moved to the trash: lists of runs read the folders again."""


@dataclass
class RowsRead(Message):
    """The run folders were read, for the table of them."""

    rows: Sequence[RunRow]


@dataclass
class FolderListed(Message):
    """A folder was read, for the dialog that picks a file."""

    listing: Listing


@dataclass
class PreviewRead(Message):
    """The beginning of the user's own data was read, or the `problem` with it."""

    preview: TablePreview | FolderPreview | None
    problem: str = ""


@dataclass
class PictureRead(Message):
    """An image (C, H, W) of the user's own was read, or the `problem` with it."""

    name: str
    pixels: np.ndarray | None
    problem: str = ""


@dataclass
class LrFindEnded(Message):
    """The search for a learning rate has ended: what was found, or the `problem`."""

    found: LrFinding | None
    problem: str = ""


@dataclass
class StudyRead(Message):
    """A study was read in so many `seconds`, or the `problem` with it. `process` searches it, if
    an app of this user has started one that is alive.
    """

    study: StudySummary | None
    problem: str
    seconds: float
    process: int | None


@dataclass
class StudyNamesRead(Message):
    """The names of all studies were read, or why there can be no search: the `problem`."""

    names: Sequence[str]
    problem: str = ""


@dataclass
class StudiesRead(Message):
    """The studies were read, or the `problem` with them."""

    studies: Sequence[StudySummary]
    problem: str = ""
