"""Parses Python source."""

import ast
from os import PathLike

_ATTEMPTS = 20


def parse(source: str | bytes, filename: str | PathLike[str] = "<unknown>") -> ast.Module:
    """The syntax tree of `source`; bytes are decoded as their coding line says.

    Raises SyntaxError; some Pythons raise ValueError for null characters.

    CPython 3.11 and 3.12 count the recursion of all threads in one place, so that parsing fails
    with SystemError when another thread parses meanwhile (python/cpython#106905). torch and the
    traceback module parse too, so a lock of ours wouldn't help; parsing again does.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return ast.parse(source, filename)
        except SystemError:
            continue
    return ast.parse(source, filename)
