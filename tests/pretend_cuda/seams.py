"""Replaces the functions of tutorch that judge numbers, since the pretend CUDA computes none.

Each would end a run, warn, or choose a best model because of what uninitialised memory held. They
are replaced where they are defined, as their modules are imported.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

Function = Callable[..., Any]


def _returns(value: Any) -> Callable[[Function], Function]:
    """Replaces a function by one that returns `value`."""
    return lambda original: lambda *_, **__: value


def _evaluates_to(value: float) -> Callable[[Function], Function]:
    """Replaces a function by one that does the same, and then returns `value` for each metric."""
    return lambda original: lambda *args, **given: dict.fromkeys(original(*args, **given), value)


#: How a function is replaced, by its module and its name.
SEAMS: dict[tuple[str, str], Callable[[Function], Function]] = {
    ("tui_app.training.baselines", "baselines"): _returns({}),
    ("tui_app.training.best_models", "is_finite"): _returns(True),
    ("tui_app.training.criterion_check", "check_log_probabilities"): _returns(None),
    ("tui_app.training.criterion_check", "criterion_notes"): _returns(()),
    ("tui_app.training.divergence", "first_diverged"): _returns(None),
    ("tui_app.training.evaluation", "evaluate"): _evaluates_to(0.5),
}


def missing() -> list[str]:
    """Functions named here that tutorch no longer has."""
    return [
        f"{module}.{name}"
        for module, name in SEAMS
        if not callable(getattr(importlib.import_module(module), name, None))
    ]


def replace_in(module: ModuleType) -> None:
    """Replace the functions of a module. Raises ImportError for one that it hasn't."""
    for (owner, name), replace in SEAMS.items():
        if owner != module.__name__:
            continue
        original = getattr(module, name, None)
        if not callable(original):
            raise ImportError(f"{owner} has no function {name}: {__name__} names it")
        setattr(module, name, replace(original))


class _Finder:
    """Finds the modules that have such functions, and replaces those after the import."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: object = None) -> ModuleSpec | None:
        """Return the module's spec, or None for the next finder."""
        if name not in {module for module, _ in SEAMS}:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def run_and_replace(module: ModuleType) -> None:
            run(module)
            replace_in(module)

        spec.loader.exec_module = run_and_replace
        return spec


def install() -> None:
    """Let the functions be replaced in this process."""
    sys.meta_path.insert(0, _Finder)
