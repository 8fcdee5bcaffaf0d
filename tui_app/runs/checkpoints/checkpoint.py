"""Saves and loads checkpoints: whole or not at all, and without running code from the file."""

from __future__ import annotations

import os
import pickle
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from tui_app.runs.checkpoints.checkpoint_archive import InvalidArchive, check_archive, check_tensors
from tui_app.runs.errors import DamagedRun
from tui_app.runs.files.durable_files import replace_file
from tui_app.runs.files.run_files import open_file


def copy_to_cpu(value: Any) -> Any:
    """Copy a state, its tensors to the CPU, so that further training doesn't change it."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: copy_to_cpu(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(copy_to_cpu(item) for item in value)
    return value


def save_checkpoint(path: Path, content: Any, previous: Path | None = None) -> None:
    """Save `content` (tensors, plain values, and dicts, lists, tuples of them) as `path`.

    The old file is renamed to `previous`, if given. Raises OSError.
    """
    replace_file(path, lambda file: _write(content, file), previous=previous)


def _write(content: Any, file: IO[bytes]) -> None:
    try:
        torch.save(content, file)
    except RuntimeError as error:
        # If a write fails, torch reports only that it couldn't finish the archive.
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, OSError):
            cause = cause.__cause__ or cause.__context__
        raise cause or error from None


def load_checkpoint(path: Path) -> Any:
    """Load what `save_checkpoint` saved, with its tensors on the CPU.

    Checks the checksums in the file first, which torch itself doesn't. Unpickles only tensors and
    plain values, and takes no more memory than the file has bytes. Raises DamagedRun.
    """
    try:
        with open_file(path, buffering=0) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about other formats, which are refused anyway
            check_archive(file)
            file.seek(0)
            content = torch.load(file, map_location="cpu", weights_only=True)
            check_tensors(content, os.fstat(file.fileno()).st_size)
            return content
    except InvalidArchive as error:
        raise DamagedRun(f"{path} is damaged and was not loaded: {error}") from error
    except FileNotFoundError as error:
        raise DamagedRun(f"{path} is missing: this run has no such checkpoint") from error
    except pickle.UnpicklingError as error:
        raise DamagedRun(
            f"{path} holds something other than tensors and plain values, or is damaged. "
            "It was not loaded, since loading it could run foreign code"
        ) from error
    except DamagedRun:
        raise
    except Exception as error:  # damaged bytes can raise any exception
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamagedRun(f"{path} is damaged and can't be loaded ({reason})") from error


#: A larger count can't be one.
_LARGEST = 2**53


def count_of(state: Mapping[str, Any], name: str, largest: int = _LARGEST) -> int:
    """A count from a checkpoint. Raises KeyError, ValueError."""
    value = state[name]
    if type(value) is not int or not 0 <= value <= largest:
        raise ValueError(f"{name} is {str(value)[:40]!r}, not a count")
    return value


def number_of(state: Mapping[str, Any], name: str, *, least: float = 0.0) -> float:
    """A finite number from a checkpoint. Raises KeyError, ValueError."""
    value = state[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not max(least, -_LARGEST_NUMBER) <= value <= _LARGEST_NUMBER:
        raise ValueError(f"{name} is {str(value)[:40]!r}, not a valid number")
    return float(value)


_LARGEST_NUMBER = sys.float_info.max
