"""Loads Optuna, which only a search needs, and keeps its own messages from the terminal."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from models.fields import InvalidValue
from tui_app.runs.errors import StorageUnavailable


def load_optuna() -> ModuleType:
    """Optuna, whose log is off. Raises InvalidValue where it isn't installed."""
    try:
        if "optuna" in sys.modules:
            import optuna
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                import optuna
        import optuna.storages.journal
    except ImportError as error:
        raise InvalidValue(
            f"a search needs Optuna ({error}): pip install 'tutorch[search]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    # Not for a moment only, by catch_warnings, which would disturb the other threads.
    unwanted = ("ignore", None, optuna.exceptions.ExperimentalWarning, None, 0)
    if unwanted not in warnings.filters:
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna


@contextmanager
def from_optuna() -> Iterator[ModuleType]:
    """Give Optuna to code that calls it.

    Raises StorageUnavailable if the storage can't be reached or written meanwhile.
    """
    optuna = load_optuna()
    try:
        yield optuna
    except (optuna.exceptions.StorageInternalError, OSError) as error:
        raise StorageUnavailable(_storage_text(error)) from error
    except Exception as error:
        if not _is_from_storage(error):
            raise
        raise StorageUnavailable(_storage_text(error)) from error


def _is_from_storage(error: Exception) -> bool:
    """Whether a database or the gRPC proxy raised it."""
    return any(
        kind.__module__.split(".")[0] in ("sqlalchemy", "grpc") for kind in type(error).mro()
    )


def _storage_text(error: BaseException) -> str:
    while error.__cause__ is not None and not str(error):
        error = error.__cause__
    details = getattr(error, "details", None)  # of gRPC
    if callable(details) and details():
        error = OSError(details())
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return f"the study's storage can't be used: {line[:300]}"
