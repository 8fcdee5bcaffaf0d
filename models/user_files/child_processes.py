"""Keeps the user's files out of the child processes that Python's multiprocessing starts.

They run `python -c`, which looks for modules in the working folder first: a lecture there that is
called random.py would be imported in place of the standard library's module.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_VARIABLE = "PYTHONSAFEPATH"


@contextmanager
def without_working_folder() -> Iterator[None]:
    """Start child processes that don't look for modules in the working folder.

    For children that multiprocessing starts, the environment is the only way to say so.
    """
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before
