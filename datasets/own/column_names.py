"""Parses the user's choice of columns: names separated by commas, as in a row of a CSV file.

`a,"b, c",d` lists three columns; the second has a comma in its name.
"""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets.dataset import UnknownDataset
from datasets.own.columns import listed


def column_names(text: str) -> tuple[str, ...]:
    """The names in `text`, without those that are empty."""
    rows = csv.reader([text.replace("\n", " ")], skipinitialspace=True)
    return tuple(name.strip() for row in rows for name in row if name.strip())


def column_list(names: Sequence[str]) -> str:
    """The text that `column_names` parses back into `names`."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(names)
    return text.getvalue() if names else ""


@dataclass(frozen=True)
class ColumnChoice:
    """The column `target` to predict, and the columns to `drop` or the only `columns` to learn
    from, as names separated by commas.
    """

    target: str = ""
    drop: str = ""
    columns: str = ""

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that the user named to learn from."""
        return column_names(self.columns)

    def inputs(self, columns: Sequence[str]) -> list[str]:
        """Those of `columns` that may become inputs, in the file's order."""
        dropped, named = set(column_names(self.drop)), set(self.named)
        chosen = [name for name in columns if name in named] if named else columns
        return [name for name in chosen if name != self.target and name not in dropped]

    def refuse_unknown(self, path: Path, columns: Sequence[str]) -> None:
        """Raise UnknownDataset, with the nearest names, for columns that `path` doesn't have."""
        if self.target not in columns:
            near = difflib.get_close_matches(self.target, columns, n=3)
            wrong = f"has no column {self.target!r}" if self.target else "needs --target"
            raise UnknownDataset(
                f"csv:{path} {wrong}: which of {listed(near or columns, 20)} is the target?"
            )
        if self.drop and self.columns:
            raise UnknownDataset(
                "--drop leaves columns out and --columns names the only ones to learn from: "
                "give only one of the two"
            )
        flag, names = (
            ("--drop", column_names(self.drop)) if self.drop else ("--columns", self.named)
        )
        known = set(columns)
        for name in names:
            if name == self.target:
                raise UnknownDataset(
                    f"{flag}: {name} is the target, which is predicted and is never an input: "
                    "remove it from the list"
                )
            if name not in known:
                near = difflib.get_close_matches(name, columns, n=1)
                hint = f"did you mean {near[0]}?" if near else f"there are {listed(columns, 20)}"
                raise UnknownDataset(f"{flag}: csv:{path} has no column {name!r}: {hint}")
        if not self.inputs(columns):
            raise UnknownDataset(f"{flag} leaves no column of csv:{path} to learn from")
