"""Defines what a check is, what it is given, and the rows that it yields."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

#: `too slow` misses a target of time; `n/a` says that the row has nothing to judge.
Verdict = Literal["ok", "failed", "too slow", "n/a"]


@dataclass(frozen=True)
class Row:
    """A line of the table: what was checked, the result in words, and the verdict.

    `figures` are the result's numbers, by names that no other row uses, for other programs.
    """

    what: str
    result: str
    verdict: Verdict = "ok"
    figures: Mapping[str, float] = field(default_factory=dict)


def error_row(error: Exception, what: str = "to its end") -> Row:
    """The row of an error: its type and its first line."""
    first = (str(error).strip().splitlines() or [""])[0]
    return Row(what, f"{type(error).__name__}: {first}", "failed")


@dataclass(frozen=True)
class Context:
    """What a check is given.

    `data_dir` holds MNIST. `scratch` is an empty folder, removed after the check. In a `rehearsal`
    the device only pretends to compute: no row judges numbers or times.
    """

    data_dir: Path
    scratch: Path
    rehearsal: bool = False

    @property
    def mnist(self) -> dict[str, str]:
        """The settings of a run on MNIST."""
        return {"dataset": "mnist", "data_dir": str(self.data_dir)}

    def judged(self, is_met: bool, otherwise: Verdict = "failed") -> Verdict:
        """The verdict on numbers or times, which a rehearsal doesn't judge."""
        if self.rehearsal:
            return "n/a"
        return "ok" if is_met else otherwise


Function = Callable[[Context], Iterator[Row]]


@dataclass(frozen=True)
class Check:
    """A check: `title` says what it checks, `place` (`module:function`) names its function.

    It may take `seconds` on an H100, its start included, and needs the packages `needs`.
    """

    name: str
    title: str
    place: str
    seconds: int
    needs: tuple[str, ...] = ()

    @property
    def function(self) -> Function:
        """The function, imported now: modules of checks import torch."""
        module, _, name = self.place.partition(":")
        return getattr(importlib.import_module(module), name)

    @property
    def missing(self) -> list[str]:
        """The packages that it needs and that aren't installed."""
        return [name for name in self.needs if importlib.util.find_spec(name) is None]
