"""Saving and loading of tensors: written whole or not at all, read without running any code."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import torch

from tui_app.training.errors import DamagedRun
from tui_app.training.files import replace_file


def save_checkpoint(path: Path, content: Any) -> None:
    """Put `content` (tensors, plain values, and dicts, lists, tuples of them) into `path`."""
    replace_file(path, lambda file: torch.save(content, file))


def load_checkpoint(path: Path) -> Any:
    """What `save_checkpoint` put there, with its tensors on the CPU.

    Never unpickles anything but tensors and plain values. Raises DamagedRun.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a format that isn't ours: it is refused anyway
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise DamagedRun(f"{path} is missing: this run has no such checkpoint") from error
    except pickle.UnpicklingError as error:
        raise DamagedRun(
            f"{path} holds something other than tensors and plain values, or is damaged. "
            "It was not loaded, since loading it could run foreign code"
        ) from error
    except Exception as error:  # there is no end to what torch raises for damaged bytes
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamagedRun(f"{path} is damaged and can't be loaded ({reason})") from error
