"""Turns the fields of a dataclass into settings: type, range, default and help, declared once.

A setting is a field of a frozen dataclass, with a docstring below it:

    lr: Annotated[float, Range(above=0)] = 0.01
    \"\"\"Learning rate: how far one step goes against the gradient.\"\"\"

The command line, the form, the configuration file and run.json all use it through `Field`.
Nothing here imports torch.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
import os
import re
import sys
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import docstring_parser

#: The largest number of each type that torch and a run's arithmetic can hold.
_LARGEST = {bool: True, int: 2**63 - 1, float: sys.float_info.max}


class InvalidValue(ValueError):
    """A value that its field doesn't allow. The text names the field and its allowed values.

    `field` is the name of the field, if the value of just one field is wrong.
    """

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True)
class Range:
    """The allowed numbers: from `minimum` to `maximum`, greater than `above`, less than `below`."""

    minimum: float = -math.inf
    maximum: float = math.inf
    above: float = -math.inf
    below: float = math.inf

    def __contains__(self, value: float) -> bool:
        return self.minimum <= value <= self.maximum and self.above < value < self.below

    def __str__(self) -> str:
        bounds = {
            "≥": self.minimum,
            ">": self.above,
            "≤": self.maximum,
            "<": self.below,
        }
        return " and ".join(f"{sign} {b:g}" for sign, b in bounds.items() if math.isfinite(b))


@dataclass(frozen=True)
class Pattern:
    """The allowed texts: those that match `regex`, which `words` describe."""

    regex: str
    words: str


@dataclass(frozen=True)
class IsPath:
    """Marks a text as the path of a file or folder: a leading `~` is expanded."""


@dataclass(frozen=True)
class OnlyWith:
    """Marks a setting that has an effect only while another one (`field`) has one of `values`."""

    field: str
    values: tuple[Any, ...] | Range

    def __str__(self) -> str:
        """The values of the other setting that give this one an effect."""
        if isinstance(self.values, Range):
            return str(self.values)
        return ", ".join(map(setting_text, self.values))


@dataclass(frozen=True)
class Field:
    """One setting of a dataclass.

    `kind` is the type of the value, or of a tuple's items; `choices` are the allowed words: the
    only allowed values if `kind` is None, else allowed besides a value of that type.
    """

    name: str
    kind: type | None
    choices: tuple[str, ...]
    is_tuple: bool
    range: Range
    default: Any
    help: str
    only_with: tuple[OnlyWith, ...] = ()
    pattern: Pattern | None = None
    is_path: bool = False

    @property
    def flag(self) -> str:
        """The option on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def label(self) -> str:
        """The name in sentences: `batch size`."""
        return self.name.replace("_", " ")

    def parse(self, text: str) -> Any:
        """Parse `text` as a value of this field. Raises InvalidValue."""
        parts = text.split(",") if self.is_tuple else [text]
        values = tuple(self._parse_one(part) for part in parts)
        try:
            return self.check(values if self.is_tuple else values[0])
        except InvalidValue:
            raise self._refusal(text) from None  # quotes the text as it was typed

    def _parse_one(self, text: str) -> Any:
        word = text.strip()
        if word in self.choices:
            return word
        if self.kind is bool:
            switches = {"true": True, "yes": True, "on": True, "1": True}
            switches |= {"false": False, "no": False, "off": False, "0": False}
            if word.lower() in switches:
                return switches[word.lower()]
        elif self.kind is not None:
            try:
                return self.kind(word)
            except ValueError:
                pass
        raise self._refusal(text)

    def check(self, value: Any) -> Any:
        """Return `value` if this field allows it (a list becomes a tuple). Raises InvalidValue."""
        if self.is_tuple:
            if not isinstance(value, list | tuple) or not value:
                raise self._refusal(value)
            return tuple(self._check_one(item) for item in value)
        return self._check_one(value)

    def _check_one(self, value: Any) -> Any:
        if isinstance(value, str) and self.choices:
            if value in self.choices:
                return value
            raise self._refusal(value)
        if self.kind is None:
            raise self._refusal(value)
        if isinstance(value, int | float) and not (
            abs(value) <= _LARGEST[type(value)] and value in self.range
        ):
            raise self._refusal(value)
        if self.kind is float and type(value) is int:
            value = float(value)
        if type(value) is not self.kind:
            raise self._refusal(value)
        if self.pattern and not re.fullmatch(self.pattern.regex, str(value)):
            raise self._refusal(value)
        if self.is_path:
            return os.path.expanduser(str(value))  # noqa: PTH111  raises nothing
        return value

    def format(self, value: Any) -> str:
        """The text that `parse` reads back as `value`."""
        return setting_text(value)

    @property
    def allowed_values(self) -> str:
        """The allowed values in words: `a whole number ≥ 1, or full`."""
        if self.pattern:
            return self.pattern.words
        words = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
        parts = [f"{words[self.kind]} {self.range}".rstrip()] if self.kind else []
        if self.choices:
            parts.append(("one of " if len(self.choices) > 1 else "") + ", ".join(self.choices))
        joined = ", or ".join(parts)
        return f"{joined}, or several separated by commas" if self.is_tuple else joined

    @property
    def allowed_values_sentence(self) -> str:
        """The allowed values as a sentence: `One of: sgd, adam.`"""
        text = self.allowed_values
        if text.startswith("one of "):
            text = f"one of: {text.removeprefix('one of ')}"
        return f"{text[0].upper()}{text[1:]}."

    def _refusal(self, value: Any) -> InvalidValue:
        shown = str(value) if len(str(value)) <= 60 else str(value)[:57] + "..."
        near = difflib.get_close_matches(str(value), self.choices, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        instead = f", not {shown!r}" if shown.strip() else ""
        return InvalidValue(f"{self.label}: {self.allowed_values}{instead}{hint}", self.name)


def setting_text(value: Any) -> str:
    """A setting's value as the command line, the form and every table write it: `512,256`, `true`.

    Numbers have as few digits as stand for them exactly; a list is what JSON makes of a tuple.
    """
    if isinstance(value, tuple | list):
        return ",".join(map(setting_text, value))
    if isinstance(value, bool):
        return str(value).lower()
    is_short = isinstance(value, float) and float(f"{value:g}") == value
    return f"{value:g}" if is_short else str(value)


@functools.cache
def fields_of(cls: type) -> Mapping[str, Field]:
    """The settings of the dataclass `cls` by name, in the order of their declaration."""
    hints = get_type_hints(cls, include_extras=True)
    helps = _attribute_docstrings(cls)
    return types.MappingProxyType(
        {
            field.name: _field(field, hints[field.name], helps.get(field.name, ""))
            for field in dataclasses.fields(cls)
        }
    )


def _field(field: dataclasses.Field[Any], hint: Any, help_text: str) -> Field:
    extras: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        extras = tuple(rest)
    is_tuple = get_origin(hint) is tuple
    options = [get_args(hint)[0]] if is_tuple else [hint]
    if get_origin(hint) in (Union, types.UnionType):
        options = list(get_args(hint))
    choices = [
        word for option in options if get_origin(option) is Literal for word in get_args(option)
    ]
    plain = [option for option in options if option in (int, float, bool, str)]
    return Field(
        name=field.name,
        kind=plain[0] if plain else None,
        choices=tuple(choices),
        is_tuple=is_tuple,
        range=next((extra for extra in extras if isinstance(extra, Range)), Range()),
        default=field.default,
        help=help_text,
        only_with=tuple(extra for extra in extras if isinstance(extra, OnlyWith)),
        pattern=next((extra for extra in extras if isinstance(extra, Pattern)), None),
        is_path=any(isinstance(extra, IsPath) for extra in extras),
    )


def _attribute_docstrings(cls: type) -> dict[str, str]:
    texts: dict[str, str] = {}
    for ancestor in reversed(cls.__mro__[:-1]):
        parsed = docstring_parser.parse_from_object(ancestor)
        texts |= {
            param.arg_name: " ".join((param.description or "").split()) for param in parsed.params
        }
    return texts
