"""Every comparison of floats states its tolerance."""

from __future__ import annotations

import ast
from pathlib import Path

COMPARISONS = {"approx", "allclose", "assert_allclose", "assert_close", "isclose"}
TOLERANCES = {"rel", "abs", "rtol", "atol", "nan_ok", "rel_tol", "abs_tol"}


def test_every_comparison_of_floats_states_its_tolerance():
    silent = []
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                stated = TOLERANCES & {keyword.arg for keyword in call.keywords}
                if call.func.attr in COMPARISONS and not stated:
                    silent.append(f"{path.name}:{call.lineno}")
    assert not silent, "see tests/tolerances.py"
