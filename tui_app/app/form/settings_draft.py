"""Holds the settings of a lecture as the form edits them: texts, problems, undo and redo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from datasets.own.names import is_own_data
from models.fields import InvalidValue, OnlyWith
from models.lecture import Lecture
from tui_app.app.form.draft_fields import default_values, draft_fields
from tui_app.app.form.edits import Edits
from tui_app.app.form.form_runs import search_examples, sweep_runs
from tui_app.app.form.form_values import parse_form_text, parse_range
from tui_app.app.own_data.own_data import OwnData
from tui_app.runs.settings.run_options import TABLE_OPTIONS
from tui_app.runs.settings.run_settings import RunSettings, own_data
from tui_app.runs.settings.sweep import split_values
from tui_app.training.data.suitable_data import refuse_unsuitable_data

T = TypeVar("T")


class SettingsDraft:
    """The settings of a lecture. `texts` holds those that differ from the defaults."""

    def __init__(self, lecture: Lecture, runs_dir: str, given: Mapping[str, Any]) -> None:
        self._runs_dir = runs_dir
        self._edits = Edits()
        #: The problem with each of the user's data sets that were checked, or None.
        self.data_checked: dict[OwnData, InvalidValue | None] = {}
        self.texts: dict[str, str] = {}
        self._computed: dict[str, Any] = {}
        self._computed_for: dict[str, str] = {}
        self.adopt(lecture)
        self._fill(given)

    def adopt(self, lecture: Lecture) -> None:
        """Use this lecture from now on: the same file, loaded again after a change."""
        self._computed = {}
        self.lecture = lecture
        self.fields = draft_fields(lecture)
        self.texts = self._known(self.texts)

    def _fill(self, given: Mapping[str, Any]) -> None:
        """Set the texts to the values that are `given`, except those that are the defaults."""
        dataset = str(given.get("dataset", ""))
        if is_own_data(dataset):
            given = {**given, "dataset": own_data(dataset)}
        texts = {name: self.fields[name].format(given[name]) for name in self._known(given)}
        self.texts = texts
        defaults = self.defaults()
        self.texts = {name: text for name, text in texts.items() if text != defaults[name]}

    def _known(self, settings: Mapping[str, T]) -> dict[str, T]:
        return {name: value for name, value in settings.items() if name in self.fields}

    @property
    def dataset(self) -> str:
        """The chosen data set, or the first of several."""
        text = self.texts.get("dataset", "").strip()
        if is_own_data(text):
            return text
        chosen = split_values(self.fields["dataset"], text)[0]
        return chosen if chosen in self.lecture.datasets else self.lecture.datasets[0]

    @property
    def own_data(self) -> OwnData | None:
        """The chosen data set of the user's own, with its target and columns."""
        if not is_own_data(self.dataset):
            return None
        try:
            dataset = own_data(self.dataset)
        except InvalidValue:
            return None
        named = {name: self.texts.get(name, "").strip() for name in TABLE_OPTIONS}
        return OwnData(dataset, **(named if dataset.startswith("csv:") else {}))

    def choose_data(self, data: OwnData) -> None:
        """Choose a data set of the user's own, as one edit."""
        self._edits.begin(self.texts)
        kept = {n: text for n, text in self.texts.items() if n not in ("dataset", *TABLE_OPTIONS)}
        chosen = {name: text for name, text in vars(data).items() if text and name in self.fields}
        self.texts = {**kept, **chosen}

    def text(self, name: str) -> str:
        """The text of a field: as edited, or else its default."""
        return self.texts.get(name, self.default(name))

    def default(self, name: str) -> str:
        """The default of a field, which may depend on the other fields."""
        return self.defaults()[name]

    def defaults(self) -> dict[str, str]:
        """The default of every field."""
        return self._once(self._format_defaults)

    def _format_defaults(self) -> dict[str, str]:
        values = default_values(self.lecture, self.dataset, self.fields, self.texts)
        return {name: self.fields[name].format(value) for name, value in values.items()}

    def _once(self, compute: Callable[[], T]) -> T:
        """Return what the method `compute` returns, called once for the same texts: the form, its
        rows and the Model pane all ask for it after each key.
        """
        if self.texts != self._computed_for:
            self._computed, self._computed_for = {}, dict(self.texts)
        name = compute.__name__
        if name not in self._computed:
            self._computed[name] = compute()
        return self._computed[name]

    def change(self, name: str, text: str) -> None:
        """Set the text of a field; a text equal to the default removes the change."""
        if text == self.text(name):
            return
        self._edits.begin(self.texts, name)
        self.texts[name] = text
        if text.strip() == self.default(name):
            del self.texts[name]

    def reset(self, name: str) -> None:
        """Set a field to its default."""
        if name in self.texts:
            self._edits.begin(self.texts)
            del self.texts[name]

    def reset_all(self) -> None:
        """Set every field to its default."""
        if self.texts:
            self._edits.begin(self.texts)
            self.texts = {}

    def replace(self, given: Mapping[str, Any]) -> None:
        """Set every field to its `given` value, or else to its default."""
        self._edits.begin(self.texts)
        self._fill(given)

    def end_edit(self) -> None:
        """Make the next change, even of the same field, an edit of its own."""
        self._edits.end()

    @property
    def can_undo(self) -> bool:
        """Whether an edit can be undone."""
        return self._edits.can_undo(self.texts)

    @property
    def can_redo(self) -> bool:
        """Whether an undone edit can be redone."""
        return self._edits.can_redo

    def undo(self) -> list[str]:
        """Undo the last edit; the names of the fields that it changed."""
        return self._go_to(self._edits.undo(self.texts))

    def redo(self) -> list[str]:
        """Redo the edit that was undone last; the names of the fields that it changed."""
        return self._go_to(self._edits.redo(self.texts))

    def _go_to(self, texts: Mapping[str, str]) -> list[str]:
        before, self.texts = self.texts, self._known(texts)
        return [name for name in self.fields if before.get(name) != self.texts.get(name)]

    def is_useful(self, name: str) -> bool:
        """Whether the field has an effect with the others."""
        if name in TABLE_OPTIONS:
            return self.dataset.startswith("csv:")
        return all(map(self.allows, self.fields[name].only_with))

    @property
    def useful_texts(self) -> dict[str, str]:
        """The changed texts that have an effect with the others."""
        return {name: text for name, text in self.texts.items() if self.is_useful(name)}

    def allows(self, rule: OnlyWith) -> bool:
        """Whether the other field has a value that `rule` requires, in one run at least."""
        other = self.fields.get(rule.field)
        if other is None:
            return True
        try:
            values = parse_form_text(other, self.text(other.name))
        except InvalidValue:
            return True
        return any(value in rule.values for value in values)

    @property
    def is_search(self) -> bool:
        """Whether a field holds a range, so that the form starts a search."""
        return self._once(self._has_range)

    def _has_range(self) -> bool:
        try:
            return any(
                parse_range(self.fields[name], text) is not None
                for name, text in self.useful_texts.items()
            )
        except InvalidValue:  # `problems` shows it
            return True

    def problems(self) -> dict[str, str]:
        """The problems by field; under "" one that belongs to no single field."""
        found = dict(self._once(self._parse_problems))
        if not found:
            try:
                self.runs()
            except InvalidValue as problem:
                found[problem.field if problem.field in self.fields else ""] = str(problem)
        problem = self.data_checked.get(self.own_data) if self.own_data else None
        if problem is not None and not found:
            found[problem.field or "dataset"] = str(problem)
        return found

    def _parse_problems(self) -> dict[str, str]:
        found = {}
        for name, text in self.texts.items():
            try:
                parse_form_text(self.fields[name], text)
            except InvalidValue as problem:
                found[name] = str(problem)
        return found

    def runs(self) -> list[RunSettings]:
        """The settings of every run: one, or one for each combination of several values; of a
        search, a few examples. Raises InvalidValue.
        """
        resolved = self._once(self._resolve)
        if isinstance(resolved, InvalidValue):
            raise resolved.with_traceback(None)
        return list(resolved)

    def _resolve(self) -> list[RunSettings] | InvalidValue:
        try:
            return self._resolve_runs()
        except InvalidValue as problem:
            return problem

    def _resolve_runs(self) -> list[RunSettings]:
        resolve_all = search_examples if self.is_search else sweep_runs
        runs = resolve_all(self.lecture, self.fields, self.useful_texts, self._runs_dir)
        for dataset in {run.dataset for run in runs}:
            refuse_unsuitable_data(self.lecture, dataset)
        return runs
