"""Which columns of a table the user wants: names with commas between, as in a row of a CSV file.

`a,"b, c",d` lists three columns, of which the second has a comma in its name.
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
    """The text that `column_names` reads back as `names`."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(names)
    return text.getvalue() if names else ""


@dataclass(frozen=True)
class ColumnChoice:
    """The column `target` to predict, those to `drop`, or the only `columns` to learn from, as
    names with commas between.
    """

    target: str = ""
    drop: str = ""
    columns: str = ""

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that were named to learn from."""
        return column_names(self.columns)

    def inputs(self, columns: Sequence[str]) -> list[str]:
        """Those of `columns` that may be learned from, in the file's order."""
        dropped, named = set(column_names(self.drop)), set(self.named)
        chosen = [name for name in columns if name in named] if named else columns
        return [name for name in chosen if name != self.target and name not in dropped]

    def refuse_unknown(self, path: Path, columns: Sequence[str]) -> None:
        """Raise UnknownDataset, with the nearest names, where the columns of `path` don't suit."""
        if self.target not in columns:
            near = difflib.get_close_matches(self.target, columns, n=3)
            wrong = f"has no column {self.target!r}" if self.target else "needs --target"
            raise UnknownDataset(
                f"csv:{path} {wrong}: which of {listed(near or columns, 20)} is to be predicted?"
            )
        if self.drop and self.columns:
            raise UnknownDataset(
                "--drop leaves columns out and --columns names the only ones to learn from: "
                "give one of them"
            )
        flag, names = (
            ("--drop", column_names(self.drop)) if self.drop else ("--columns", self.named)
        )
        known = set(columns)
        for name in names:
            if name == self.target:
                raise UnknownDataset(
                    f"{flag}: {name} is the target, which is predicted and never learned from: "
                    "leave it out of the list"
                )
            if name not in known:
                near = difflib.get_close_matches(name, columns, n=1)
                hint = f"did you mean {near[0]}?" if near else f"there are {listed(columns, 20)}"
                raise UnknownDataset(f"{flag}: csv:{path} has no column {name!r}: {hint}")
        if not self.inputs(columns):
            raise UnknownDataset(f"{flag} leaves no column of csv:{path} to learn from")
