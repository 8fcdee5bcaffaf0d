"""Edits which columns of a table are inputs, and which one is the target."""

from __future__ import annotations

from dataclasses import replace

from datasets.own.column_names import column_list, column_names
from datasets.own.columns import ColumnReport, describe_columns
from datasets.own.preview import TablePreview
from tui_app.app.own_data.own_data import OwnData

BY_USER = "left out by you"

#: Columns up to which all are described again when the target changes.
_MOST = 2_000


class ColumnSelection:
    """The columns of `data`, whose first rows are `preview`.

    The result lists the columns to leave out. It lists the inputs instead where the user wants a
    column that is left out by default, since it numbers the rows.
    """

    def __init__(self, data: OwnData, preview: TablePreview) -> None:
        self._data = data
        self._preview = preview
        names = set(preview.table.columns)
        self.target = data.target if data.target in names else ""
        self._named = set(column_names(data.columns)) & names
        self._off = names - self._named if self._named else set(column_names(data.drop)) & names
        self._reports: dict[str, ColumnReport] = {}
        self._describe(preview.table.columns)

    def _describe(self, columns: tuple[str, ...]) -> None:
        preview = self._preview
        reports = describe_columns(
            preview.table,
            self.target,
            used=columns,
            named=self._named,
            rows=preview.rows or 0,
            commas=preview.commas,
        )
        self._reports |= {report.name: report for report in reports}

    @property
    def reports(self) -> list[ColumnReport]:
        """A description of each column, in the file's order: what it is read as by default."""
        return list(self._reports.values())

    def role(self, name: str) -> str:
        """`target`, `number`, `text` or `left out`."""
        if name == self.target:
            return "target"
        return "left out" if name in self._off else self._reports[name].kind

    def reason(self, name: str) -> str:
        """Why a column is left out; "" for others."""
        if self.role(name) != "left out":
            return ""
        report = self._reports[name]
        return report.reason if report.kind == "left out" else BY_USER

    def predict(self, name: str) -> None:
        """Make a column the target."""
        self.target = name
        if len(self._reports) <= _MOST:
            self._describe(self._preview.table.columns)

    def toggle(self, name: str) -> str:
        """Leave a column out, or use it. Returns why that can't be done, or ""."""
        if name == self.target:
            return f"{name} is the target: press t on another column to predict that one"
        if column_names(column_list([name])) != (name,):
            return "a name with a line break or without letters can't be listed: rename it"
        if self.role(name) in ("number", "text"):
            self._off.add(name)
            if name in self._named:  # it is left out by default again, if it numbers the rows
                self._named.discard(name)
                self._describe((name,))
            return ""
        if self._reports[name].kind == "left out":
            named, self._named = self._named, self._named | {name}
            self._describe((name,))
            if self._reports[name].kind == "left out":
                self._named = named
                return f"{name} can't be learned from: {self._reports[name].reason}"
        self._off.discard(name)
        return ""

    @property
    def used(self) -> list[str]:
        """The columns that are inputs."""
        return [name for name in self._reports if self.role(name) in ("number", "text")]

    @property
    def inputs(self) -> int:
        """How many inputs the columns make, judged by the rows that were read."""
        return sum(self._reports[name].width for name in self.used)

    @property
    def result(self) -> OwnData:
        """The data with the chosen target and columns."""
        data = replace(self._data, target=self.target, drop="", columns="")
        if self._named:
            return replace(data, columns=column_list(self.used))
        off = [name for name in self._reports if name in self._off and name != self.target]
        return replace(data, drop=column_list(off))
