"""Turns frozen dataclasses into plain JSON values, and checks every value on the way back.

A record may come from another user's file. A value of another type than its field declares, a
number that isn't finite or is absurdly large, and a missing or extra field are refused.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
from collections.abc import Callable, Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

_LONGEST = 2**23
"""Characters of a text: enough for the names of 40 columns, each of which may fill a cell."""

_LARGEST = 2**31
"""The largest absolute value of a whole number."""


class WrongRecord(ValueError):
    """A record doesn't have the expected form. The text says where and why."""


def to_plain(value: Any) -> Any:
    """`value` as JSON values: a dataclass becomes an object with its class as `kind`."""
    if dataclasses.is_dataclass(value):
        fields = {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"kind": type(value).__name__, **fields}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple | list):
        return [to_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {str(name): to_plain(each) for name, each in value.items()}
    return value


def from_plain(hint: Any, value: Any, where: str = "the record") -> Any:
    """The value of the type `hint` that `to_plain` turned into `value`. Raises WrongRecord.

    Types are int, float, str, numpy arrays of one dimension (float64), tuples, mappings of
    texts, None, and dataclasses of these.
    """
    if hint in _WORDS:
        return _plain(hint, value, where)
    origin, arguments = _parts(hint)
    if origin in (Union, types.UnionType):
        return _one_of(arguments, value, where)
    if origin is tuple:
        return _tuple(arguments, value, where)
    if dataclasses.is_dataclass(hint):
        return _dataclass(hint, value, where)
    if hint is np.ndarray:
        return np.array(_tuple((float, ...), value, where), np.float64)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            raise WrongRecord(f"{where} is not an object")
        return {from_plain(str, k, where): from_plain(str, v, where) for k, v in value.items()}
    raise TypeError(f"a record can't have a field of the type {hint}")


def _plain(hint: Any, value: Any, where: str) -> Any:
    if hint is float and type(value) is int and abs(value) <= _LARGEST:
        value = float(value)
    if type(value) is not hint or not _IS_RIGHT[hint](value):
        raise WrongRecord(f"{where} is not {_WORDS[hint]}")
    return value


_IS_RIGHT: dict[type, Callable[[Any], bool]] = {
    float: math.isfinite,
    int: lambda number: abs(number) <= _LARGEST,
    str: lambda text: len(text) <= _LONGEST,
}

_WORDS = {float: "a finite number", int: "a whole number", str: "a text"}


def _one_of(hints: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in hints:
        return None
    kind = value.get("kind") if isinstance(value, dict) else None
    for hint in hints:
        if dataclasses.is_dataclass(hint):
            if getattr(hint, "__name__", "") == kind:
                return from_plain(hint, value, where)
        elif hint is not type(None):
            try:
                return from_plain(hint, value, where)
            except WrongRecord:
                continue
    raise WrongRecord(f"{where} is of an unexpected kind")


def _tuple(hints: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise WrongRecord(f"{where} is not a list")
    if hints[-1] is Ellipsis:
        hints = (hints[0],) * len(value)
    if len(hints) != len(value):
        raise WrongRecord(f"{where} has {len(value)} values, not {len(hints)}")
    return tuple(from_plain(hint, v, where) for hint, v in zip(hints, value, strict=True))


def _dataclass(hint: Any, value: Any, where: str) -> Any:
    fields = _fields(hint)
    if not isinstance(value, dict) or value.keys() != {"kind", *fields}:
        raise WrongRecord(f"{where} is not a {hint.__name__}")
    if value["kind"] != hint.__name__:
        raise WrongRecord(f"{where} is of another kind than {hint.__name__}")
    values = {n: from_plain(of, value[n], f"{where}: {n}") for n, of in fields.items()}
    try:
        return hint(**values)
    except ValueError as error:
        raise WrongRecord(f"{where}: {error}") from error


# A table may have 200 000 columns, each a dataclass of its own: types are examined once.
@functools.cache
def _parts(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    return get_origin(hint), get_args(hint)


@functools.cache
def _fields(hint: Any) -> dict[str, Any]:
    hints = get_type_hints(hint)
    return {field.name: hints[field.name] for field in dataclasses.fields(hint)}
