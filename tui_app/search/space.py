"""Chooses the settings of a trial: those that vary are picked where they have an effect.

A setting such as momentum has an effect only with some optimizers. In a trial with another one it
isn't picked, and where it is fixed it is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from models.fields import Field, InvalidValue, OnlyWith, Range
from models.lecture import Lecture
from tui_app.runs.settings.variation import Choices, Span, Variation

#: Called with the name of a setting and what it may vary over; returns the value of this trial.
Pick = Callable[[str, Variation], Any]


@dataclass(frozen=True)
class Space:
    """The settings of all trials of a study: those that vary, and the fixed hyperparameters."""

    lecture: Lecture
    dataset: str
    vary: Mapping[str, Variation]
    fixed: Mapping[str, Any]

    def choose(self, pick: Pick) -> dict[str, Any]:
        """The hyperparameters of one trial, by name: `pick` is called for each that varies and has
        an effect, first for those that others depend on.
        """
        given: dict[str, Any] = {}
        for name, field in _ordered(self.lecture.fields).items():
            if name not in self.vary and name not in self.fixed:
                continue
            values = asdict(self.lecture.resolve(self.dataset, given))
            if not all(values[rule.field] in rule.values for rule in field.only_with):
                continue
            varied = self.vary.get(name)
            given[name] = pick(name, varied) if varied is not None else self.fixed[name]
        return given

    def check(self) -> None:
        """Raise InvalidValue for a setting that would have no effect in any trial."""
        for name in (*self.vary, *self.fixed):
            field = self.lecture.fields.get(name)
            if field is None:
                raise InvalidValue(f"{self.lecture.name} has no hyperparameter {name!r}", name)
            for rule in field.only_with:
                self._check_rule(field, rule)
        self.lecture.resolve(self.dataset, self.choose(_lowest))

    def _check_rule(self, field: Field, rule: OnlyWith) -> None:
        varied = self.vary.get(rule.field)
        if varied is not None and _may_be(varied, rule.values):
            return
        of_other = _lowest(rule.field, varied) if varied is not None else None
        given = {rule.field: of_other} if varied is not None else {}
        if rule.field in self.fixed:
            given[rule.field] = self.fixed[rule.field]
        varied = self.vary.get(field.name)
        own = _highest(field.name, varied) if varied is not None else self.fixed[field.name]
        self.lecture.resolve(self.dataset, {**given, field.name: own})  # raises in its own words

    def corners(self) -> Iterator[dict[str, Any]]:
        """The settings of a few trials that together have every choice, and both ends of every
        range.
        """
        most = max((len(_ends(variation)) for variation in self.vary.values()), default=1)
        for place in range(most):

            def pick(name: str, variation: Variation, place: int = place) -> Any:
                ends = _ends(variation)
                return ends[min(place, len(ends) - 1)]

            yield self.choose(pick)


def _ends(variation: Variation) -> tuple[Any, ...]:
    if isinstance(variation, Choices):
        return variation.values
    return variation.low, variation.high


def _lowest(name: str, variation: Variation) -> Any:
    return _ends(variation)[0]


def _highest(name: str, variation: Variation) -> Any:
    return _ends(variation)[-1]


def _may_be(variation: Variation, values: tuple[Any, ...] | Range) -> bool:
    """Whether a setting that varies so can have one of the `values`."""
    if isinstance(variation, Span) and not isinstance(values, Range):
        return any(variation.low <= value <= variation.high for value in values)
    return any(end in values for end in _ends(variation))


def _ordered(fields: Mapping[str, Field]) -> dict[str, Field]:
    """The fields, each after those that it depends on."""
    ordered: dict[str, Field] = {}

    def add(name: str, above: tuple[str, ...] = ()) -> None:
        if name in ordered or name not in fields or name in above:
            return
        for rule in fields[name].only_with:
            add(rule.field, (*above, name))
        ordered[name] = fields[name]

    for name in fields:
        add(name)
    return ordered
