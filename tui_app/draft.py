"""The settings of a lecture as texts, as the form edits them, with undo and redo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any, TypeVar

from models.fields import Field, InvalidValue, fields_of
from models.lecture import Lecture
from tui_app.edits import Edits
from tui_app.training.options import RunOptions
from tui_app.training.settings import RunSettings, is_own_data, own_data, settle

#: More runs than these, from several values in several fields, are a mistake.
MOST_RUNS = 64

T = TypeVar("T")


class Draft:
    """The settings of a lecture as texts. `texts` has those that differ from the defaults."""

    def __init__(self, lecture: Lecture, runs_dir: str, given: Mapping[str, Any]) -> None:
        self._runs_dir = runs_dir
        self._edits = Edits()
        self._own_data: tuple[str, ...] = ()
        self.texts: dict[str, str] = {}
        self.adopt(lecture)
        self._fill(given)

    def adopt(self, lecture: Lecture) -> None:
        """Become the draft of this lecture: of the same file, which may have changed."""
        self.lecture = lecture
        self.fields = _fields(lecture, self._own_data)
        self.texts = self._known(self.texts)

    def _fill(self, given: Mapping[str, Any]) -> None:
        """Set the texts to the values that are `given`; the defaults' own texts are no change."""
        dataset = str(given.get("dataset", ""))
        if is_own_data(dataset):
            given = {**given, "dataset": own_data(dataset)}
            self._own_data = (*self._own_data, given["dataset"])
            self.fields = _fields(self.lecture, self._own_data)
        texts = {name: self.fields[name].format(given[name]) for name in self._known(given)}
        self.texts = texts
        defaults = self.defaults()
        self.texts = {name: text for name, text in texts.items() if text != defaults[name]}

    def _known(self, settings: Mapping[str, T]) -> dict[str, T]:
        return {name: value for name, value in settings.items() if name in self.fields}

    @property
    def dataset(self) -> str:
        """The data set that is chosen, or the first of several."""
        text = self.texts.get("dataset", "")
        if text in self._own_data:
            return text
        chosen = text.split(",")[0].strip()
        return chosen if chosen in self.lecture.datasets else self.lecture.datasets[0]

    def text(self, name: str) -> str:
        """What stands in the field."""
        return self.texts.get(name, self.default(name))

    def default(self, name: str) -> str:
        """What stands in the field when nobody changes it, beside the other choices."""
        return self.fields[name].format(self._defaults()[name])

    def defaults(self) -> dict[str, str]:
        """What stands in every field when nobody changes it, beside the other choices."""
        return {name: self.fields[name].format(value) for name, value in self._defaults().items()}

    def change(self, name: str, text: str) -> None:
        """Put `text` in a field; the default's own text is no change."""
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
        """Set every field: to the value that is `given`, or else to its default."""
        self._edits.begin(self.texts)
        self._fill(given)

    def end_edit(self) -> None:
        """Let the next change, even of the same field, be undone by itself."""
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
        """Whether the field means something beside the others."""
        rule = self.fields[name].only_with
        if rule is None or rule.field not in self.fields:
            return True
        other = self.fields[rule.field]
        try:
            values = several(other, self.text(rule.field))
        except InvalidValue:
            return True
        return any(value in rule.values for value in values)

    def problems(self) -> dict[str, str]:
        """What is wrong, by field; what isn't the fault of one field stands under an empty name."""
        found = {}
        for name, text in self.texts.items():
            try:
                several(self.fields[name], text)
            except InvalidValue as problem:
                found[name] = str(problem)
        if not found:
            try:
                self.runs()
            except InvalidValue as problem:
                found[problem.field if problem.field in self.fields else ""] = str(problem)
        return found

    def runs(self) -> list[RunSettings]:
        """The settings of every run: one, or one for each combination of several values.

        Raises InvalidValue.
        """
        names = [name for name in self.texts if self.is_useful(name)]
        values = [several(self.fields[name], self.texts[name]) for name in names]
        combinations = list(product(*values))
        if len(combinations) > MOST_RUNS:
            raise InvalidValue(
                f"these values make {len(combinations)} runs; {MOST_RUNS} is the most"
            )
        return [
            settle(
                self.lecture,
                {**dict(zip(names, combination, strict=True)), "runs_dir": self._runs_dir},
            )
            for combination in combinations
        ]

    def _defaults(self) -> dict[str, Any]:
        """The defaults: of the lecture, for this data set, beside the choices that are right."""
        given = {}
        for name, text in self.texts.items():
            field = self.fields[name]
            if (field.choices and name not in ("dataset", "device")) or field.kind is bool:
                try:
                    given[name] = several(field, text)[0]
                except InvalidValue:
                    continue
        options = vars(RunOptions())
        given = {name: value for name, value in given.items() if name not in options}
        try:
            settings = self.lecture.settle(self.dataset, given)
        except InvalidValue:
            settings = self.lecture.settle(self.dataset, {})
        # A field's own default, not the choice that was made of it.
        plain = vars(settings) | {name: self.fields[name].default for name in given}
        plain |= {
            name: value
            for name, value in self.lecture.overrides.get(self.dataset, {}).items()
            if name in given
        }
        return {name: {**options, **plain}[name] for name in self.fields} | {
            "dataset": self.lecture.datasets[0]
        }


def several(field: Field, text: str) -> tuple[Any, ...]:
    """The values that `text` lists. Those of a field that is a list itself stand between
    semicolons. Raises InvalidValue.
    """
    is_one = field.name in ("data_dir", "device") or text in field.choices
    if is_one or (field.kind is str and not field.choices):
        parts = [text]
    else:
        parts = text.split(";" if field.is_tuple else ",")
    return tuple(field.parse(part.strip()) for part in parts)


def _fields(lecture: Lecture, own_data: tuple[str, ...]) -> dict[str, Field]:
    options = dict(fields_of(RunOptions))
    del options["runs_dir"]  # where the app looks for runs is where it makes them
    dataset = replace(
        options.pop("dataset"),
        kind=None,
        choices=tuple(dict.fromkeys((*lecture.datasets, *own_data))),
        help="The data to learn from.",
    )
    return {"dataset": dataset, **lecture.fields, **options}
