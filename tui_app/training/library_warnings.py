"""Passes the warnings of Python's `warnings` module to a function, as a sentence each."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import PurePath
from typing import Any

from models.user_files.error_location import is_user_code

#: The names of libraries whose package has another name.
_NAMES = {"numpy": "NumPy", "PIL": "Pillow", "torch": "PyTorch", "sklearn": "scikit-learn"}

#: Most characters of a warning, and most different warnings.
_LONGEST, _MOST = 500, 100


@contextmanager
def warnings_noted(note: Callable[[str], None]) -> Iterator[None]:
    """Call `note` with each warning that is shown meanwhile, in its thread, each text once.

    The sentence names the code: a line of the user's file, or a library. After a hundred different
    warnings the rest are dropped.
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
