"""Parsing Python source works while other threads parse too."""

from __future__ import annotations

import ast
import gc
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from models.user_files.parsing import parse

SOURCE = "def area(width, height):\n    return width * height\n" * 100


@pytest.fixture
def switching() -> Iterator[None]:
    """Switch between threads as often as possible, also during parsing."""

    def collected(*_: object) -> None:
        sum(range(50))  # Python code, so another thread may run

    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(10)
    gc.callbacks.append(collected)
    yield
    gc.callbacks.remove(collected)
    gc.set_threshold(*threshold)
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("switching")
def test_threads_that_parse_at_the_same_time_all_succeed():
    start = threading.Barrier(3)

    def parsed(depth: int) -> list[str]:
        if depth:
            return parsed(depth - 1)  # each thread at a different recursion depth
        start.wait()
        return [ast.dump(parse(SOURCE)) for _ in range(20)]

    with ThreadPoolExecutor(3) as threads:
        trees = [tree for each in threads.map(parsed, (0, 20, 40)) for tree in each]
    assert set(trees) == {ast.dump(parse(SOURCE))}


def test_a_syntax_error_is_raised():
    with pytest.raises(SyntaxError):
        parse("def:", "net.py")
    with pytest.raises((SyntaxError, ValueError), match="null"):  # it depends on the Python version
        parse("a\0b")
