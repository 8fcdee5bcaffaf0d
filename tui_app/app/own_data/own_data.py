"""Holds the form's settings for the user's own data set: its file or folder, and its columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from datasets.own.column_names import ColumnChoice
from datasets.own.names import short_name


@dataclass(frozen=True)
class OwnData:
    """A table or a folder of images of the user's own, as texts of the form; "" where unset."""

    dataset: str
    target: str = ""
    drop: str = ""
    columns: str = ""

    @property
    def label(self) -> str:
        """Its name in a list: `csv:points.csv → y`, or `folder:pets`."""
        return f"{short_name(self.dataset)} → {self.target}" if self.target else self.short_name

    @property
    def choice(self) -> ColumnChoice:
        """The target and the columns of a table."""
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
        """The name without the folders above it."""
        return short_name(self.dataset)
