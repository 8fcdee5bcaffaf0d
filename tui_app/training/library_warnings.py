"""Gives what Python's `warnings` module shows to a function, as a sentence each."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import PurePath
from typing import Any

from models.user_files.error_location import is_user_code

#: Libraries by the name of their package, where they are called otherwise.
_NAMES = {"numpy": "NumPy", "PIL": "Pillow", "torch": "PyTorch", "sklearn": "scikit-learn"}

#: Characters of a warning that are shown, and different warnings that are, at most.
_LONGEST, _MOST = 500, 100


@contextmanager
def warnings_noted(note: Callable[[str], None]) -> Iterator[None]:
    """Call `note`, in whatever thread, with each warning that is shown meanwhile, each text once.

    It says whose code the warning is about: a line of the user's file, or a library. Of more than
    a hundred different ones the rest are dropped.
    """
    seen: set[str] = set()

    def show(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any
    ) -> None:
        sentence = _sentence(str(message), category, filename, lineno)
        if sentence not in seen and len(seen) < _MOST:
            seen.add(sentence)
            note(sentence)

    before = warnings.showwarning
    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before


def _sentence(text: str, category: type[Warning], filename: str, line: int) -> str:
    """`NumPy warns: ...`, or `my_net.py line 9: ... (RuntimeWarning)`."""
    text = " ".join(text.split())[:_LONGEST]
    if is_user_code(filename):
        return f"{PurePath(filename).name} line {line}: {text} ({category.__name__})"
    parts = PurePath(filename).parts
    library = next((b for a, b in pairwise(parts) if a == "site-packages"), "")
    if not library:
        return f"{text} ({category.__name__})"
    return f"{_NAMES.get(library, library)} warns: {text}"
