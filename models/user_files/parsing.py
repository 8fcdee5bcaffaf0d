"""Parses Python source."""

import ast
from os import PathLike

_ATTEMPTS = 20


def parse(source: str | bytes, filename: str | PathLike[str] = "<unknown>") -> ast.Module:
    """The syntax tree of `source`; bytes are decoded by their encoding declaration.

    Raises SyntaxError; some Pythons raise ValueError for null characters.

    CPython 3.11 and 3.12 count the recursion of all threads in one place, so parsing fails with
    SystemError while another thread parses (python/cpython#106905). torch and the traceback module
    parse too, so a lock here wouldn't help; this parses again instead.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return ast.parse(source, filename)
        except SystemError:
            continue
    return ast.parse(source, filename)
