"""The fields of the form: their texts, and what they say of the user's own data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from datasets.own.column_names import ColumnChoice
from datasets.own.names import short_name
from models.fields import Field, fields_of
from models.lecture import Lecture
from tui_app.runs.run_options import TABLE_OPTIONS, RunOptions


@dataclass(frozen=True)
class OwnData:
    """A file or a folder of the user's as the form names it: texts, empty where nothing is said."""

    dataset: str
    target: str = ""
    drop: str = ""
    columns: str = ""

    @property
    def label(self) -> str:
        """`csv:points.csv → y`, or `folder:pets`."""
        return f"{short_name(self.dataset)} → {self.target}" if self.target else self.short_name

    @property
    def choice(self) -> ColumnChoice:
        """What is said of a table's columns."""
        return ColumnChoice(self.target, self.drop, self.columns)

    @property
    def kind(self) -> str:
        """`csv` for a table, `folder` for images."""
        return self.dataset.partition(":")[0]

    @property
    def path(self) -> Path:
        """The file or the folder."""
        return Path(self.dataset.partition(":")[2])

    @property
    def short_name(self) -> str:
        """The data set without the folders that it lies in."""
        return short_name(self.dataset)


def draft_fields(lecture: Lecture) -> dict[str, Field]:
    """The settings of the form: the data set, the hyperparameters, then the options of a run."""
    options = dict(fields_of(RunOptions))
    del options["runs_dir"]  # where the app looks for runs is where it makes them
    of_tables = {name: options.pop(name) for name in TABLE_OPTIONS}
    dataset = replace(
        options.pop("dataset"),
        kind=None,
        choices=lecture.datasets,
        help="The data to learn from.",
    )
    return {"dataset": dataset, **of_tables, **lecture.fields, **options}
