"""Runs the gpu tests over the pretend CUDA, where it can be built."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.pretend_cuda import seams
from tests.pretend_cuda.__main__ import size
from tests.pretend_cuda.build import Unavailable, build
from tests.pretend_cuda.child import run_python
from tests.program import LONGEST, ROOT


def with_gpu_tests() -> list[str]:
    """The files that have some: to import all others would take longer than their tests."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return [str(file) for file in files if "mark.gpu" in file.read_text(encoding="utf-8")]


def test_the_gpu_tests_pass(tmp_path: Path) -> None:
    try:
        build()
    except Unavailable as reason:
        pytest.skip(str(reason))
    report = tmp_path / "report.xml"
    exit_code, printed = run_python(
        [
            *("-m", "tests.pretend_cuda", "--devices", "2", "--memory", "3G"),
            *("python", "-m", "pytest", "-m", "gpu", "-o", "addopts=-ra"),
            *("-p", "no:cacheprovider", f"--basetemp={tmp_path / 'tests'}"),
            *(f"--junitxml={report}", *with_gpu_tests()),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        timeout=LONGEST,
    )
    assert exit_code == 0, printed
    (suite,) = ElementTree.parse(report).getroot()
    assert suite.get("skipped") == "0", printed
    assert int(suite.get("tests", 0)) > 20, printed


def test_sizes_have_units() -> None:
    assert [size("1000"), size("64M"), size("3g")] == [1000, 64 << 20, 3 << 30]


def test_every_replaced_function_exists() -> None:
    assert seams.missing() == []
