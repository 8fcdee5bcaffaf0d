"""Finds state that a model keeps between steps: a replay runs no Python, and would freeze it."""

from __future__ import annotations

import collections
import itertools
import random
import zlib
from collections.abc import Iterable, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

#: Objects inside of each other that are searched, and elements of a container.
_DEEPEST = 20
_LONGEST = 100_000

_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_OPAQUE = (type, FunctionType, BuiltinFunctionType, MethodType, ModuleType)
_CONTAINERS = (dict, list, tuple, set, frozenset, collections.deque)


class KeptState:
    """What `wholes` and their submodules hold at this moment; compare two of them with `==`.

    Tensors are compared by identity, since kernels change what is in them; those on the host by
    their count of changes too. Containers and objects are compared by what is in them: `self.box[0]
    += 1` is a change.
    """

    def __init__(self, wholes: Iterable[nn.Module]) -> None:
        self._alive: list[object] = []  # an id stays unique while its object lives
        modules = [module for whole in wholes for module in whole.modules()]
        self._seen = {id(module): number for number, module in enumerate(modules)}
        self._state = [self._of_module(module) for module in modules]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeptState) and self._state == other._state

    __hash__ = None  # type: ignore[assignment]

    def _of_module(self, module: nn.Module) -> Any:
        tensors = {**module._parameters, **module._buffers}
        own = {n: v for n, v in vars(module).items() if n not in ("_parameters", "_buffers")}
        shared = {
            f"{cls.__qualname__}.{name}": value
            for cls in type(module).__mro__
            if not cls.__module__.startswith("torch.")
            for name, value in vars(cls).items()
            if not name.startswith("__")
        }
        by_name = {name: self._identity(tensor) for name, tensor in tensors.items()}
        return self._identity(module), by_name, self._of_items(own, 0), self._of_items(shared, 0)

    def _of(self, value: Any, depth: int) -> Any:
        """A copy of `value` that stays as it is, and equals another of the same content."""
        if isinstance(value, _PLAIN):
            return type(value).__name__, repr(value)  # so that NaN equals itself
        if isinstance(value, Tensor):
            is_counted = value.device.type == "cpu" and not value.is_inference()
            return self._identity(value), value._version if is_counted else 0
        if id(value) in self._seen:
            return "seen before", self._seen[id(value)]
        if isinstance(value, _OPAQUE) or depth > _DEEPEST:
            return self._identity(value)
        self._seen[self._identity(value)] = len(self._seen)
        return type(value).__name__, self._content(value, depth + 1)

    def _content(self, value: Any, depth: int) -> Any:
        if isinstance(value, np.ndarray):
            return zlib.crc32(value.tobytes())
        generator = _generator_state(value)
        if generator is not None:
            return generator
        if isinstance(value, _CONTAINERS) and len(value) > _LONGEST:
            return len(value)
        if isinstance(value, dict):
            return self._of_items(value, depth)
        if isinstance(value, _CONTAINERS):  # a set that isn't changed keeps its order
            return [self._of(element, depth) for element in tuple(value)]
        attributes = getattr(value, "__dict__", None)
        return self._of_items(attributes, depth) if attributes else self._identity(value)

    def _of_items(self, items: Mapping[Any, Any], depth: int) -> Any:
        pairs = tuple(items.items())  # at once: another thread may change it
        return [(self._of(key, depth), self._of(value, depth)) for key, value in pairs]

    def _identity(self, value: object) -> int:
        self._alive.append(value)
        return id(value)


def _generator_state(value: object) -> object | None:
    """The state of a generator of random numbers or of a counter; None for anything else."""
    if isinstance(value, random.Random):
        return value.getstate()
    if isinstance(value, np.random.Generator):
        return repr(value.bit_generator.state)
    if isinstance(value, np.random.RandomState):
        return repr(value.get_state())
    if isinstance(value, torch.Generator):
        return value.get_state().tolist() if value.device.type == "cpu" else None
    return repr(value) if isinstance(value, itertools.count) else None
